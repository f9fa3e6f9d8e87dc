import { connect } from "../platform/connect.ts";
import { formatAgo } from "../render/ago.ts";
import { paintState } from "../render/instances.ts";
import { printData } from "../render/print.ts";
import { formatTable } from "../render/table.ts";
import type { Cli } from "../world.ts";

/** Lists the nodes and whether they have been heard of within their lease. */
export async function nodeList(cli: Cli): Promise<void> {
  using platform = await connect(cli);
  const { nodes } = await platform.mcp.listNodes({ signal: cli.interrupt });
  printData(cli, { nodes }, (style) =>
    nodes.length === 0 ? "No node has enrolled yet\n" : formatTable(nodes, [
      { heading: "NODE", cell: ({ name }) => name },
      { heading: "ADDRESS", cell: ({ address }) => address },
      { heading: "STATUS", cell: ({ status }) => status, paint: (text, { status }) => paintState(text, status, style) },
      { heading: "INSTANCES", cell: ({ instances }) => String(instances) },
      { heading: "LAST SEEN", cell: ({ lastSeenAt }) => formatAgo(lastSeenAt, cli.now()) },
      { heading: "VERSION", cell: ({ version }) => version },
    ], style.dim));
}
