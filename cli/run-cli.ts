import { CommanderError } from "commander";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { commandTree } from "./command-tree.ts";
import { createProgram } from "./program.ts";
import type { ErrorPlace } from "./render/next-step.ts";
import { renderError } from "./render/render-error.ts";
import { createWaiting } from "./render/waiting.ts";
import type { Cli, CommandInput, World } from "./world.ts";

/** Runs `mcp` with its arguments and gives back the exit code: 0 done, 1 failed, 2 cancelled or wrong usage, 4 needs a login. */
export async function runCli(words: readonly string[], world: World): Promise<number> {
  let cli: Cli = {
    ...world,
    json: words.includes("--json"),
    wantsColor: !words.includes("--no-color"),
    configPath: undefined,
  };
  let place: ErrorPlace = { command: firstCommand(words), service: undefined };
  let helpText = "";
  const program = createProgram({
    writeOut: (text) => world.stdout.write(text),
    writeError: (text) => void (helpText += text),
    helpWidth: world.stdout.columns ?? 100,
    run: async ({ spec, words: command, input, load }) => {
      cli = withOptions(world, input);
      place = { command, service: input.arguments[0]?.split("/")[0] };
      if (spec.isInteractive === true) return (await load())(cli, input);
      using waiting = createWaiting(cli, `mcp ${command}`);
      await (await load())(waiting.cli, input);
    },
  });
  try {
    await program.parseAsync(normalize(words), { from: "user" });
    return 0;
  } catch (error) {
    if (!(error instanceof CommanderError)) return renderError(cli, error, place);
    // A noun alone, or nothing at all, asks what there is.
    if (error.code === "commander.help") world.stdout.write(helpText);
    if (error.exitCode === 0 || error.code === "commander.help") return 0;
    return renderError(cli, toUsageError(error), place);
  }
}

function withOptions(world: World, { options: { json, color, config } }: CommandInput): Cli {
  return {
    ...world,
    json: json === true,
    wantsColor: color !== false,
    configPath: typeof config === "string" ? config : undefined,
  };
}

/** `error: unknown command 'deplyo'\n(Did you mean deploy?)` becomes `unknown command "deplyo" (Did you mean deploy?)`. */
function toUsageError(error: CommanderError): PlatformError {
  const message = error.message.replace(/^error: /, "").replaceAll(/'([^']*)'/g, '"$1"').replace(
    /\n\((.*)\)$/,
    " ($1)",
  );
  return new PlatformError("invalid-usage", `Cannot read the command line: ${message}`);
}

/** The command that wrong usage was about, when its name at least was right. */
function firstCommand(words: readonly string[]): string | undefined {
  const word = words.find((one) => !one.startsWith("-"));
  return commandTree.find(({ name }) => name === word)?.name;
}

/** `--version` is what people try first. */
function normalize(words: readonly string[]): string[] {
  return words.map((word) => word === "--version" || word === "-V" ? "version" : word);
}
