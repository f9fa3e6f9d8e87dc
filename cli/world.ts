import type { Fetch } from "#shared/contract/client.ts";

/** A stream that the CLI writes to. */
export interface Output {
  readonly isTTY: boolean;
  /** Width of the terminal in characters, when it is one. */
  readonly columns: number | undefined;
  write(text: string): void;
}

/** The stream that the CLI reads from: a terminal, a pipe or a file. */
export interface Input extends AsyncIterable<string | Uint8Array> {
  readonly isTTY: boolean;
  /** Turns echo and line editing of a terminal off and on; absent when it is none. */
  setRawMode?(isRaw: boolean): void;
}

/** Everything outside the program that commands touch; tests pass their own. */
export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Home folder of the operator, for `~` and the default configuration. */
  readonly homeDir: string;
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Aborts at the first Ctrl-C. */
  readonly interrupt: AbortSignal;
  readonly now: () => Date;
  /** Carries requests to the platform; real HTTP unless given. */
  readonly fetch?: Fetch;
}

/** The world, with the options that every command has. */
export interface Cli extends World {
  /** Data as JSON on stdout, errors as one JSON object on stderr, no progress. */
  readonly json: boolean;
  /** False when `--no-color` was given. */
  readonly wantsColor: boolean;
  /** Value of `--config`. */
  readonly configPath: string | undefined;
}

/** What the operator typed after the command's name. */
export interface CommandInput {
  readonly arguments: readonly (string | undefined)[];
  readonly options: Readonly<Record<string, unknown>>;
}

/** Runs one command; data goes to stdout, all else to stderr. */
export type CommandHandler = (cli: Cli, input: CommandInput) => Promise<void>;

/** The argument at a place; the command tree has made sure that required ones are there. */
export function argumentAt(input: CommandInput, index: number): string {
  return input.arguments[index] ?? "";
}

/** The text of an option, or `undefined` when it was not given. */
export function textOption(input: CommandInput, name: string): string | undefined {
  const value = input.options[name];
  return typeof value === "string" ? value : undefined;
}

/** Says whether a flag was given. */
export function hasFlag(input: CommandInput, name: string): boolean {
  return input.options[name] === true;
}

/** The texts of an option that may be given several times, or `undefined` when it was not given. */
export function listOption(input: CommandInput, name: string): string[] | undefined {
  const value = input.options[name];
  if (!Array.isArray(value)) return undefined;
  return value.filter((one) => typeof one === "string");
}
