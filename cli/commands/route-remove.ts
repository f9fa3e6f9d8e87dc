import { parsePort } from "../definitions/read-stored-route.ts";
import { connect } from "../platform/connect.ts";
import { pickNode } from "../platform/pick-node.ts";
import { printData } from "../render/print.ts";
import { argumentAt, type Cli, type CommandInput, textOption } from "../world.ts";

/** Removes a stored route. */
export async function routeRemove(cli: Cli, input: CommandInput): Promise<void> {
  const hostname = argumentAt(input, 0);
  const port = parsePort(textOption(input, "port") ?? "443");
  using platform = await connect(cli);
  const node = await pickNode(cli, platform, textOption(input, "node"));
  await platform.mcp.deleteRoute({ params: { node, hostname, port }, signal: cli.interrupt });
  printData(cli, { node, key: `${hostname}:${port}` }, () => `Removed ${hostname}:${port} from ${node}\n`);
}
