import { PlatformError } from "#shared/errors/platform-error.ts";
import type { Cli } from "../world.ts";
import type { Platform } from "./connect.ts";

/**
 * The node that a command is about: the one that was named, or the only one that there is.
 *
 * @throws {PlatformError} invalid-usage — when there are several, or none
 */
export async function pickNode(cli: Cli, platform: Platform, named: string | undefined): Promise<string> {
  if (named !== undefined) return named;
  const { nodes } = await platform.mcp.listNodes({ signal: cli.interrupt });
  const [only, ...others] = nodes;
  if (only !== undefined && others.length === 0) return only.name;
  const names = nodes.map(({ name }) => name).join(", ");
  throw new PlatformError(
    "invalid-usage",
    nodes.length === 0
      ? "Cannot pick a node: none has enrolled yet, expected one"
      : `Cannot pick a node: there are several, expected --node with one of: ${names}`,
  );
}
