import { toOpenApiDocument } from "#shared/contract/openapi.ts";
import { commandTree, globalOptions } from "../../cli/command-tree.ts";
import { contracts } from "../../handlers/compose.ts";
import packageFacts from "../../package.json" with { type: "json" };
import { apiPage } from "./api-page.ts";
import { cliPage } from "./cli-page.ts";
import { configurationPage } from "./configuration-page.ts";
import { errorsPage } from "./errors-page.ts";
import { serviceDefinitionPage } from "./service-definition-page.ts";

/** The text of every generated page, by its path in `docs/`. */
export function createPages(): Readonly<Record<string, string>> {
  return {
    "reference/api.md": apiPage(contracts),
    "reference/cli.md": cliPage(commandTree, globalOptions),
    "reference/configuration.md": configurationPage(),
    "reference/errors.md": errorsPage(),
    "reference/service-definition.md": serviceDefinitionPage(),
    "openapi.json": `${JSON.stringify(toOpenApiDocument(contracts, packageFacts.version), null, 2)}\n`,
  };
}
