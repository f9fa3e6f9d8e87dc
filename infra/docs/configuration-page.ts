import { variableName } from "#shared/mcdsl/config.ts";
import { type ConfigProgram, configPrograms } from "./config-programs.ts";
import { code, generatedFrom, page, table } from "./markdown.ts";
import { listTables, type TomlField, type TomlTable } from "./schema-tables.ts";

/** The page of every program's configuration. */
export function configurationPage(): string {
  return page(
    generatedFrom("the config schemas and infra/docs/config-programs.ts"),
    "# Configuration",
    `Each program reads one TOML file. An environment variable wins over the file; lists in variables are separated by commas. All problems
of a file are reported at once, each with its key and its variable. \`metacircular up\` writes these files itself.`,
    "A private CA is given to Node with `$NODE_EXTRA_CA_CERTS`, to Deno with `$DENO_CERT`.",
    ...configPrograms.flatMap(toSections),
  );
}

/**
 * The sections of one program.
 *
 * @throws {TypeError} when a key has no meaning, or a meaning no key
 */
export function toSections(program: ConfigProgram): string[] {
  const tables = listTables(program.schema).filter(({ fields }) => fields.length > 0);
  const keys = tables.flatMap(({ path, fields }) => fields.map(({ key }) => [...path, key].join(".")));
  const known = Object.keys(program.meanings);
  const odd = [...keys.filter((key) => !known.includes(key)), ...known.filter((key) => !keys.includes(key))];
  if (odd.length > 0) {
    throw new TypeError(
      `Cannot document ${program.title}: ${
        odd.join(", ")
      } is in one of schema and infra/docs/config-programs.ts, expected both`,
    );
  }
  return [`## ${program.title}`, program.usage, ...tables.map((one) => toTable(one, program))];
}

function toTable({ header, path, isOptional, fields }: TomlTable, { envPrefix, meanings }: ConfigProgram): string {
  const rows = fields.map((field) => [
    code(field.key),
    field.type,
    toDefault(field),
    header.startsWith("[[") ? "" : code(`$${variableName(envPrefix, path.join("."), field.key)}`),
    [meanings[[...path, field.key].join(".")] ?? "", field.rule === "" ? "" : `*${field.rule}*`].join(" ").trim(),
  ]);
  const note = isOptional ? " (may be left out)" : "";
  return `${code(header)}${note}\n\n${table(["Key", "Type", "Default", "Variable", "Meaning"], rows)}`;
}

function toDefault(field: TomlField): string {
  return field.isRequired ? "*required*" : field.default === undefined ? "" : code(field.default);
}
