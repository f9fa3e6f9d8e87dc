import { connect } from "../platform/connect.ts";
import { formatFirewall } from "../render/firewall.ts";
import { printData } from "../render/print.ts";
import { type Cli, type CommandInput, textOption } from "../world.ts";

/** Shows the firewall that all nodes share, or that of one node. */
export async function firewallShow(cli: Cli, input: CommandInput): Promise<void> {
  using platform = await connect(cli);
  const node = textOption(input, "node");
  const query = node === undefined ? {} : { node };
  const view = await platform.mcp.getFirewall({ query, signal: cli.interrupt });
  printData(cli, view, (style) => formatFirewall(view, style));
}
