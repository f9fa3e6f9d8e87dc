import { listDefinitionNames } from "../definitions/definition-files.ts";
import { loadCliConfig } from "../platform/config.ts";
import type { Cli } from "../world.ts";

/** Prints the names of the defined services, one a line; the completion scripts call it. Never fails: a shell is waiting at its prompt. */
export async function complete(cli: Cli): Promise<void> {
  const names = await loadCliConfig(cli).then(({ servicesDir }) => listDefinitionNames(servicesDir)).catch(
    (): string[] => [],
  );
  cli.stdout.write(names.map((name) => `${name}\n`).join(""));
}
