import { readStoredRoute } from "../definitions/read-stored-route.ts";
import { connect } from "../platform/connect.ts";
import { pickNode } from "../platform/pick-node.ts";
import { printData } from "../render/print.ts";
import { type Cli, type CommandInput, hasFlag, textOption } from "../world.ts";

/** Stores a route to something that no deployment runs. */
export async function routeAdd(cli: Cli, input: CommandInput): Promise<void> {
  const route = await readStoredRoute(input);
  using platform = await connect(cli);
  const node = await pickNode(cli, platform, textOption(input, "node"));
  const { hostname, port } = route;
  const { key, changed } = await platform.mcp.putRoute({
    params: { node, hostname, port },
    body: { route, replace: hasFlag(input, "replace") },
    signal: cli.interrupt,
  });
  printData(
    cli,
    { node, key, changed, route },
    () =>
      changed
        ? `Stored ${key} on ${node}, to ${route.backends.join(", ")}\nNext: mcp explain ${hostname} --port ${port}\n`
        : `${key} on ${node} is stored like this already\n`,
  );
}
