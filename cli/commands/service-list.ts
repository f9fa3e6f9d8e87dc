import { connect } from "../platform/connect.ts";
import { formatServiceList } from "../render/service-list.ts";
import { printData } from "../render/print.ts";
import type { Cli } from "../world.ts";

/** Lists the services that the control plane knows. */
export async function serviceList(cli: Cli): Promise<void> {
  using platform = await connect(cli);
  const { services } = await platform.mcp.listServices({ signal: cli.interrupt });
  printData(cli, { services }, (style) => formatServiceList(services, style));
}
