import { PlatformError } from "#shared/errors/platform-error.ts";
import { commandTree } from "../command-tree.ts";
import { bashCompletion } from "../completion/bash.ts";
import { listCompletions } from "../completion/completions.ts";
import { fishCompletion } from "../completion/fish.ts";
import { zshCompletion } from "../completion/zsh.ts";
import { argumentAt, type Cli, type CommandInput } from "../world.ts";

/** Prints the completion script of a shell. */
export async function completion(cli: Cli, input: CommandInput): Promise<void> {
  const shell = argumentAt(input, 0);
  const generate = new Map([["bash", bashCompletion], ["zsh", zshCompletion], ["fish", fishCompletion]]).get(shell);
  if (generate === undefined) {
    throw new PlatformError(
      "invalid-usage",
      `Cannot complete for "${shell}": it is not known, expected one of: bash, zsh, fish`,
    );
  }
  cli.stdout.write(generate(listCompletions(commandTree)));
}
