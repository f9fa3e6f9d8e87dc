import type { CommandSpec, OptionSpec } from "../../cli/command-spec.ts";
import { code, generatedFrom, page, table } from "./markdown.ts";

/** The page of all commands of `mcp`. */
export function cliPage(tree: readonly CommandSpec[], globalOptions: readonly OptionSpec[]): string {
  return page(
    generatedFrom("cli/command-tree.ts"),
    "# mcp",
    "Data goes to stdout, all else to stderr. Exit codes: 0 done, 1 failed, 2 cancelled, wrong usage or wrong configuration, 4 needs a login.",
    "Configuration: [mcp.toml](configuration.md#mcptoml).",
    "Options of every command:",
    toOptions(globalOptions),
    ...tree.flatMap((spec) => toSections(spec, "mcp")),
  );
}

function toSections(spec: CommandSpec, before: string): string[] {
  if (spec.isHidden === true) return [];
  const words = `${before} ${spec.name}`;
  if (spec.commands !== undefined) return spec.commands.flatMap((below) => toSections(below, words));
  return [
    `## ${words}`,
    `${spec.summary}.`,
    block([usageOf(spec, words)]),
    spec.options === undefined ? "" : toOptions(spec.options),
    spec.examples === undefined ? "" : `Examples:\n\n${block(spec.examples)}`,
  ];
}

function usageOf(spec: CommandSpec, words: string): string {
  const names = (spec.arguments ?? []).map(({ name, isOptional }) => isOptional === true ? `[${name}]` : `<${name}>`);
  return [words, ...(spec.options === undefined ? [] : ["[options]"]), ...names].join(" ");
}

function toOptions(options: readonly OptionSpec[]): string {
  return table(["Option", "Does"], options.map(({ flags, summary }) => [code(flags), summary]));
}

function block(lines: readonly string[]): string {
  return ["```bash", ...lines, "```"].join("\n");
}
