import { connect } from "../platform/connect.ts";
import { printData } from "../render/print.ts";
import { formatProxies } from "../render/proxies.ts";
import { type Cli, type CommandInput, textOption } from "../world.ts";

/** Shows what the proxies report of themselves. */
export async function proxyStatus(cli: Cli, input: CommandInput): Promise<void> {
  using platform = await connect(cli);
  const node = textOption(input, "node");
  const query = node === undefined ? {} : { node };
  const { proxies } = await platform.mcp.listProxies({ query, signal: cli.interrupt });
  printData(cli, { proxies }, (style) => formatProxies(proxies, { style, now: cli.now() }));
}
