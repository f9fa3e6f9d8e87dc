import { Argument, Command, Option } from "commander";
import type { CommandSpec, OptionSpec } from "./command-spec.ts";
import { commandTree, globalOptions } from "./command-tree.ts";
import type { CommandHandler, CommandInput } from "./world.ts";

/** The command that the operator chose. */
export interface ChosenCommand {
  readonly spec: CommandSpec;
  /** Words of the command, such as `node list`. */
  readonly words: string;
  readonly input: CommandInput;
  /** Loads the command's code. */
  readonly load: () => Promise<CommandHandler>;
}

/** What the program needs from whoever runs it. */
export interface ProgramOptions {
  readonly writeOut: (text: string) => void;
  readonly writeError: (text: string) => void;
  readonly helpWidth: number;
  /** Runs the command that was chosen. */
  readonly run: (chosen: ChosenCommand) => Promise<void>;
}

/** The command line of `mcp`, made from the command tree. Wrong usage is thrown as `CommanderError`. */
export function createProgram(options: ProgramOptions): Command {
  const program = new Command("mcp")
    .description("Operate the Metacircular platform: build → push → define → deploy")
    .addHelpText("after", "\nStart with:\n  $ mcp login\n  $ mcp edit web\n  $ mcp deploy web\n");
  configure(program, options);
  for (const { flags, summary } of globalOptions) program.addOption(new Option(flags, summary));
  for (const spec of commandTree) addCommand(program, spec, options);
  return program;
}

function addCommand(parent: Command, spec: CommandSpec, options: ProgramOptions): void {
  const command = parent.command(spec.name, { hidden: spec.isHidden === true }).description(spec.summary);
  configure(command, options);
  for (const { name, isOptional } of spec.arguments ?? []) {
    command.addArgument(new Argument(isOptional === true ? `[${name}]` : `<${name}>`));
  }
  for (const option of spec.options ?? []) command.addOption(toOption(option));
  if (spec.examples !== undefined) {
    command.addHelpText(
      "after",
      `\nExamples:\n${spec.examples.map((line) => `  $ ${line}\n`).join("")}`,
    );
  }
  for (const below of spec.commands ?? []) addCommand(command, below, options);
  const { load } = spec;
  if (load !== undefined) {
    command.action(async () => {
      const input = { arguments: command.processedArgs, options: command.optsWithGlobals() };
      await options.run({ spec, words: wordsOf(command), input, load });
    });
  }
}

function toOption({ flags, summary, isRepeatable }: OptionSpec): Option {
  const option = new Option(flags, summary);
  if (isRepeatable !== true) return option;
  return option.argParser((value: string, before: string[] | undefined) => [...(before ?? []), value]);
}

function configure(command: Command, { writeOut, writeError, helpWidth }: ProgramOptions): void {
  command
    .exitOverride()
    .helpCommand(false)
    .helpOption("-h, --help", "show this help")
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut,
      writeErr: writeError,
      getOutHelpWidth: () => helpWidth,
      getErrHelpWidth: () => helpWidth,
      outputError: () => undefined,
    });
}

function wordsOf(command: Command): string {
  const parent = command.parent;
  return parent === null || parent.parent === null ? command.name() : `${wordsOf(parent)} ${command.name()}`;
}
