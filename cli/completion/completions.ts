import type { ArgumentSpec, CommandSpec, OptionSpec } from "../command-spec.ts";
import { globalOptions } from "../command-tree.ts";

/** One option, as shells complete it. */
export interface OptionCompletion {
  /** `-n` and `--tail`, or one of them. */
  readonly flags: readonly string[];
  readonly summary: string;
  /** What its value is, or `undefined` for a flag. */
  readonly value: string | undefined;
}

/** One command and what may follow its words. */
export interface CommandCompletion {
  /** Words that lead to the command: none for `mcp` itself. */
  readonly words: readonly string[];
  readonly summary: string;
  readonly commands: readonly { readonly name: string; readonly summary: string }[];
  readonly options: readonly OptionCompletion[];
  /** What the first argument is: service names, fixed words, or nothing that can be completed. */
  readonly completes: ArgumentSpec["completes"];
}

/** Every command of the tree with what may follow it, parents first; hidden ones are left out. */
export function listCompletions(tree: readonly CommandSpec[]): CommandCompletion[] {
  return collect({ name: "", summary: "", commands: tree }, []);
}

function collect(spec: CommandSpec, words: readonly string[]): CommandCompletion[] {
  const visible = (spec.commands ?? []).filter(({ isHidden }) => isHidden !== true);
  const own: CommandCompletion = {
    words,
    summary: spec.summary,
    commands: visible.map(({ name, summary }) => ({ name, summary })),
    options: [...(spec.options ?? []), ...globalOptions, { flags: "-h, --help", summary: "show this help" }].map(
      toOption,
    ),
    completes: spec.arguments?.[0]?.completes,
  };
  return [own, ...visible.flatMap((below) => collect(below, [...words, below.name]))];
}

function toOption({ flags, summary }: OptionSpec): OptionCompletion {
  const value = /<([^>]+)>/.exec(flags)?.[1];
  return { flags: [...flags.matchAll(/--?[a-z][a-z-]*/g)].map(([flag]) => flag), summary, value };
}
