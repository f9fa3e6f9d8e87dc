import { connect } from "../platform/connect.ts";
import { formatServiceDetail } from "../render/service-detail.ts";
import { formatServiceList } from "../render/service-list.ts";
import { printData } from "../render/print.ts";
import { checkServiceName } from "../definitions/definition-files.ts";
import type { Cli, CommandInput } from "../world.ts";

/** Shows one service in detail, or all of them in one line each. */
export async function status(cli: Cli, input: CommandInput): Promise<void> {
  using platform = await connect(cli);
  const [service] = input.arguments;
  if (service === undefined) {
    const { services } = await platform.mcp.listServices({ signal: cli.interrupt });
    return printData(cli, { services }, (style) => formatServiceList(services, style));
  }
  const detail = await platform.mcp.getService({
    params: { service: checkServiceName(service) },
    signal: cli.interrupt,
  });
  printData(cli, detail, (style) => formatServiceDetail(detail, { style, now: cli.now() }));
}
