import { ServiceDefinition } from "#shared/contract/definition.ts";
import { code, generatedFrom, page, table } from "./markdown.ts";
import { listTables, type TomlTable } from "./schema-tables.ts";

/** The page of the service definition's fields. */
export function serviceDefinitionPage(): string {
  return page(
    generatedFrom("shared/contract/definition.ts"),
    "# Service definition",
    "One TOML file a service, `<service>.toml`. What it means to deploy one: [concepts](../concepts.md). Unknown keys are refused.",
    ...listTables(ServiceDefinition).filter(({ fields }) => fields.length > 0).flatMap(toSection),
  );
}

function toSection({ header, meaning, fields }: TomlTable): string[] {
  return [
    header === "" ? "## Top level" : `## ${code(header)}`,
    meaning,
    table(
      ["Field", "Type", "Default", "Rule", "Meaning"],
      fields.map((field) => [
        code(field.key),
        field.type,
        field.isRequired ? "*required*" : field.default === undefined ? "" : code(field.default),
        field.rule,
        field.meaning,
      ]),
    ),
  ];
}
