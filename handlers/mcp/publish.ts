import { createHash } from "node:crypto";
import type { Route } from "#shared/contract/route.ts";
import type { DesiredService } from "#shared/contract/state.ts";
import { appendFeed, replaceFeed } from "#shared/feed/feed-store.ts";
import type { Sql } from "#shared/store/database.ts";
import { firewallTopic, forwardAuthUrlOf, type McpContext, nodeTopic, platformPort, routesTopic } from "./context.ts";
import { deriveRoutes } from "./domain/derive-routes.ts";
import { mergeFirewall } from "./domain/firewall.ts";
import { listPauses } from "./domain/list-pauses.ts";
import { toStoredRoute } from "./domain/to-route-rules.ts";
import { findDeployment } from "./store/deployments.ts";
import { getFirewallPart } from "./store/firewall.ts";
import { listServiceInstances } from "./store/nodes.ts";
import type { DeploymentRow, ServiceRow } from "./store/rows.ts";
import { listServices } from "./store/services.ts";
import { listStoredRoutes } from "./store/stored-routes.ts";

/** Tells the service's node what to run now. */
export async function publishDesired(tx: Sql, service: ServiceRow): Promise<void> {
  const open = await findDeployment(tx, service.open_deployment);
  const active = await findDeployment(tx, service.active_deployment);
  const value = toDesiredService(service, open, active);
  await appendFeed(tx, nodeTopic(service.node), [{
    key: `service/${service.name}`,
    ...(value === undefined ? {} : { value }),
  }]);
}

/** What a node should run of a service, or `undefined` for nothing. */
export function toDesiredService(
  service: ServiceRow,
  open: DeploymentRow | undefined,
  active: DeploymentRow | undefined,
): DesiredService | undefined {
  if (open === undefined || open.status === "reverting") {
    return toDesired(service, active, service.desired === "stopped", false);
  }
  switch (open.kind) {
    case "deploy":
    case "start":
    case "restart":
      return toDesired(service, open, false, !open.released);
    case "stop":
      return toDesired(service, active, open.released, false);
    case "undeploy":
      return open.released ? undefined : toDesired(service, active, service.desired === "stopped", false);
  }
}

function toDesired(
  service: ServiceRow,
  deployment: DeploymentRow | undefined,
  isStopped: boolean,
  keepOld: boolean,
): DesiredService | undefined {
  if (deployment === undefined) return undefined;
  return {
    service: service.name,
    revision: deployment.revision,
    deploymentId: deployment.id,
    state: isStopped ? "stopped" : "running",
    components: deployment.components,
    keepOld,
    restartGeneration: service.restart_generation,
  };
}

/** Tells a node's proxy its routes: what is stored, and what is derived from what is routed and healthy. Gives the revision of its feed. */
export async function publishRoutes(tx: Sql, context: McpContext, node: string): Promise<number> {
  const routes = platformRoutes(context, node);
  for (const { definition } of await listStoredRoutes(tx, node)) {
    routes.set(`${definition.hostname}:${definition.port}`, toStoredRoute(definition, forwardAuthUrlOf(context, node)));
  }
  for (const service of await listServices(tx)) {
    if (service.node !== node || service.routed_deployment === null) continue;
    const routed = await findDeployment(tx, service.routed_deployment);
    if (routed === undefined) continue;
    const instances = await listServiceInstances(tx, node, service.name);
    const { components } = routed;
    const open = await findDeployment(tx, service.open_deployment);
    const pauses = listPauses({ open, routed: components, instances });
    for (const [key, route] of deriveRoutes({ name: service.name, components, instances, pauses })) {
      routes.set(key, route);
    }
  }
  return await replaceFeed(tx, routesTopic(node), routes);
}

/** Key of the one entry of a firewall topic. */
const firewallKey = "rules";

/** Tells a node's proxy its firewall. */
export async function publishFirewall(tx: Sql, node: string): Promise<void> {
  const value = mergeFirewall(await getFirewallPart(tx), await getFirewallPart(tx, node));
  await appendFeed(tx, firewallTopic(node), [{ key: firewallKey, value }]);
}

function platformRoutes(context: McpContext, node: string): Map<string, Route> {
  const routes = new Map<string, Route>();
  const { platform } = context;
  if (platform?.node !== node) return routes;
  for (const system of platform.systems) {
    const hostname = `${system}.${context.serviceDomain}`;
    routes.set(`${hostname}:${platformPort}`, {
      hostname,
      port: platformPort,
      mode: "l7",
      service: system,
      component: system,
      backends: [{ instance: system, address: platform.address, port: platform.port }],
    });
  }
  return routes;
}

/** SHA-256 of a text, as hex. */
export function sha256Hex(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
