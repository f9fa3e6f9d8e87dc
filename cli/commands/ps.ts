import type { InstanceView } from "#shared/contract/mcp.ts";
import { connect } from "../platform/connect.ts";
import { instanceColumns } from "../render/instances.ts";
import { printData } from "../render/print.ts";
import { formatTable } from "../render/table.ts";
import type { Cli } from "../world.ts";

/** Lists all containers that the platform manages, with the version of the image that runs. */
export async function ps(cli: Cli): Promise<void> {
  using platform = await connect(cli);
  const { instances } = await platform.mcp.listInstances({ signal: cli.interrupt });
  const sorted = instances.toSorted((one, other) => toKey(one).localeCompare(toKey(other)));
  printData(cli, { instances: sorted }, (style) => {
    if (sorted.length === 0) return "Nothing runs yet\nNext: mcp deploy <service>\n";
    const service = { heading: "SERVICE", cell: (instance: InstanceView) => instance.service };
    return formatTable(sorted, [service, ...instanceColumns(style, cli.now())], style.dim);
  });
}

function toKey({ service, component, instance }: InstanceView): string {
  return `${service}/${component}/${instance}`;
}
