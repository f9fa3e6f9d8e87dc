import type { CommandHandler } from "./world.ts";

/** An argument of a command. */
export interface ArgumentSpec {
  readonly name: string;
  readonly isOptional?: boolean;
  /** What its values are, for completion: names of services, or fixed words. */
  readonly completes?: "service" | readonly string[];
}

/** An option of a command, with flags as in `-n, --tail <lines>`. */
export interface OptionSpec {
  readonly flags: string;
  readonly summary: string;
  /** May be given several times; its value is then a list. */
  readonly isRepeatable?: boolean;
}

/** A command, or a noun with commands below it. */
export interface CommandSpec {
  readonly name: string;
  readonly summary: string;
  readonly arguments?: readonly ArgumentSpec[];
  readonly options?: readonly OptionSpec[];
  readonly examples?: readonly string[];
  readonly isHidden?: boolean;
  /** Hands the terminal to another program: nothing may be drawn on it meanwhile. */
  readonly isInteractive?: boolean;
  readonly commands?: readonly CommandSpec[];
  /** Loads the command's code: only what is used is loaded, so that the first output comes at once. */
  readonly load?: () => Promise<CommandHandler>;
}
