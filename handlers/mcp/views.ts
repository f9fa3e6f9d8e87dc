import type { InstanceView, NodeView, RouteView, ServiceDetail, ServiceSummary } from "#shared/contract/mcp.ts";
import { Route } from "#shared/contract/route.ts";
import { type DesiredComponent, type InstanceReport } from "#shared/contract/state.ts";
import { readFrame } from "#shared/feed/feed-store.ts";
import { decodeCbor } from "#shared/wire/cbor.ts";
import { isReady, type McpContext, publicPort, routesTopic } from "./context.ts";
import { findDeployment, listDeployments, toDeployment } from "./store/deployments.ts";
import { findNode, listInstances, listNodes, listServiceInstances } from "./store/nodes.ts";
import type { InstanceRow, NodeRow, ServiceRow } from "./store/rows.ts";

/** The tag of an image reference: the version that runs. */
export function versionOf(image: string): string {
  const tag = image.split("@")[0]?.split("/").at(-1)?.split(":")[1];
  return tag ?? "?";
}

/** A service in one line. */
export async function toServiceSummary(context: McpContext, service: ServiceRow): Promise<ServiceSummary> {
  const active = await findDeployment(context.database, service.active_deployment);
  // What other nodes say of the service counts for nothing: a node speaks for what it was told to run.
  const instances = await listServiceInstances(context.database, service.node, service.name);
  return {
    name: service.name,
    node: service.node,
    revision: service.revision,
    desired: service.desired,
    observed: observe(service, active?.components ?? [], instances),
    versions: Object.fromEntries(
      instances.filter(({ state }) => state !== "stopped").map(({ component, image }) => [component, versionOf(image)]),
    ),
  };
}

function observe(
  service: ServiceRow,
  components: readonly DesiredComponent[],
  instances: readonly InstanceReport[],
): ServiceSummary["observed"] {
  if (service.desired === "defined") return "defined";
  if (service.desired === "stopped") return instances.every(({ state }) => state === "stopped") ? "stopped" : "drifted";
  const isComplete = components.every(({ name, specHash }) =>
    instances.some((instance) =>
      instance.component === name && instance.specHash === specHash && instance.state === "healthy"
    )
  );
  return isComplete ? "healthy" : "drifted";
}

/** All that is known of a service. */
export async function toServiceDetail(context: McpContext, service: ServiceRow): Promise<ServiceDetail> {
  const instances = (await listInstanceViews(context)).filter((instance) => instance.service === service.name);
  return {
    ...(await toServiceSummary(context, service)),
    definition: service.definition,
    instances,
    routes: await listRouteViews(context, service),
    deployments: (await listDeployments(context.database, service.name, 10)).map(toDeployment),
  };
}

async function listRouteViews(context: McpContext, service: ServiceRow): Promise<RouteView[]> {
  const node = await findNode(context.database, service.node);
  const { entries } = await readFrame(context.database, routesTopic(service.node), 0);
  const routes = entries.flatMap(([, value]) => (value === null ? [] : Route.parse(decodeCbor(value))));
  const routed = await findDeployment(context.database, service.routed_deployment);
  return routes.filter((route) => route.service === service.name && routed !== undefined).map((route) => {
    const port = publicPort(context.proxy, route.port);
    const declared = routed?.components.find(({ name }) => name === route.component)?.routes
      .find(({ hostname, port }) => hostname === route.hostname && port === route.port);
    return {
      hostname: route.hostname,
      port: route.port,
      mode: route.mode,
      component: route.component,
      name: declared?.name ?? null,
      url: `https://${route.hostname}${port === 443 ? "" : `:${port}`}`,
      backends: route.backends.length,
      problem: node?.proxy_problems[`${route.hostname}:${route.port}`] ?? null,
    };
  });
}

/** All instances as `mcp ps` lists them. */
export async function listInstanceViews(context: McpContext): Promise<InstanceView[]> {
  const nodes = new Map((await listNodes(context.database)).map((node) => [node.name, node]));
  return (await listInstances(context.database)).map((row) => toInstanceView(row, nodes.get(row.node), context));
}

function toInstanceView({ node, report }: InstanceRow, known: NodeRow | undefined, context: McpContext): InstanceView {
  return { ...report, node, version: versionOf(report.image), current: known !== undefined && isReady(known, context) };
}

/** All nodes. */
export async function listNodeViews(context: McpContext): Promise<NodeView[]> {
  const counts = new Map<string, number>();
  for (const { node } of await listInstances(context.database)) counts.set(node, (counts.get(node) ?? 0) + 1);
  return (await listNodes(context.database)).map((node) => ({
    name: node.name,
    address: node.address,
    version: node.version,
    lastSeenAt: node.last_seen_at,
    status: isReady(node, context) ? "ready" : "silent",
    instances: counts.get(node.name) ?? 0,
  }));
}
