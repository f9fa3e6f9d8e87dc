import { connect } from "../platform/connect.ts";
import { printData } from "../render/print.ts";
import { formatRouteList } from "../render/route-list.ts";
import { type Cli, type CommandInput, textOption } from "../world.ts";

/** Lists the routes of all proxies, or of one, with what the proxies say of them. */
export async function routeList(cli: Cli, input: CommandInput): Promise<void> {
  using platform = await connect(cli);
  const node = textOption(input, "node");
  const query = node === undefined ? {} : { node };
  const { routes } = await platform.mcp.listRoutes({ query, signal: cli.interrupt });
  printData(cli, { routes }, (style) => formatRouteList(routes, style));
}
