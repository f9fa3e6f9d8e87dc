import { PlatformError } from "#shared/errors/platform-error.ts";
import type { Sql } from "#shared/store/database.ts";
import type { McpContext } from "./context.ts";
import { listRouteKeys } from "./domain/desired-components.ts";
import { findDeployment } from "./store/deployments.ts";
import { findNode } from "./store/nodes.ts";
import { listServices } from "./store/services.ts";
import { listStoredRoutes } from "./store/stored-routes.ts";

/** Routes that somebody wants to have on a node. */
export interface RouteClaim {
  readonly node: string;
  /** What they are to lead to, for messages. */
  readonly target: string;
  /** The service that claims them; what it has already is no hindrance. An operator's stored route has none. */
  readonly service?: string;
  /** As `hostname:port`. */
  readonly keys: readonly string[];
}

/** A claimed route that somebody else has, and who. */
export interface TakenRoute {
  readonly key: string;
  /** As in `it is routed to "web" on node "rift"`. */
  readonly why: string;
}

/**
 * Makes sure that nobody else has the routes: the platform, a service, an operator's stored route, or the configuration of the proxy.
 *
 * @throws {PlatformError} conflict — naming the one who has it
 */
export async function assertRoutesAreFree(sql: Sql, context: McpContext, claim: RouteClaim): Promise<void> {
  const taken = await findTakenRoute(sql, context, claim);
  if (taken === undefined) return;
  throw new PlatformError(
    "conflict",
    `Cannot route "${taken.key}" to ${claim.target}: ${taken.why}, expected a free one`,
  );
}

/** The first of the claimed routes that somebody else has, or `undefined`. Names are taken on any other node too: DNS would mix the two. */
export async function findTakenRoute(
  sql: Sql,
  context: McpContext,
  claim: RouteClaim,
): Promise<TakenRoute | undefined> {
  return findOurs(context, claim) ?? await findOfServices(sql, claim) ?? await findStored(sql, claim) ??
    await findStatic(sql, claim);
}

function findOurs({ platform, serviceDomain }: McpContext, { keys }: RouteClaim): TakenRoute | undefined {
  const names = new Set(platform?.systems.map((system) => `${system}.${serviceDomain}`));
  return toTaken(keys.find((key) => names.has(hostnameOf(key))), "the name belongs to the platform");
}

/** What another service serves, and what it is about to serve, is taken. */
async function findOfServices(sql: Sql, claim: RouteClaim): Promise<TakenRoute | undefined> {
  for (const { name, node, active_deployment, open_deployment } of await listServices(sql)) {
    if (name === claim.service) continue;
    const active = await findDeployment(sql, active_deployment);
    const open = await findDeployment(sql, open_deployment);
    const keys = [active, open].flatMap((deployment) => listRouteKeys(deployment?.components ?? []));
    const taken = toTaken(findClaimed(claim, node, keys), `it is routed to "${name}" on node "${node}"`);
    if (taken !== undefined) return taken;
  }
  return undefined;
}

async function findStored(sql: Sql, claim: RouteClaim): Promise<TakenRoute | undefined> {
  for (const { node, hostname, port, definition } of await listStoredRoutes(sql)) {
    // A stored route may take the place of the one with its key: whoever stores it decides.
    if (claim.service === undefined && claim.node === node) continue;
    const why = `it is a stored route to ${definition.backends.join(", ")} on node "${node}" (mcp route list)`;
    const taken = toTaken(findClaimed(claim, node, [`${hostname}:${port}`]), why);
    if (taken !== undefined) return taken;
  }
  return undefined;
}

async function findStatic(sql: Sql, { node, keys }: RouteClaim): Promise<TakenRoute | undefined> {
  const routes = (await findNode(sql, node))?.proxy_report?.staticRoutes ?? [];
  const fixed = new Set(routes.map(({ hostname, port }) => `${hostname}:${port}`));
  const why = `it is a static route in the configuration of the proxy on node "${node}"`;
  return toTaken(keys.find((key) => fixed.has(key)), why);
}

function findClaimed(claim: RouteClaim, node: string, keys: readonly string[]): string | undefined {
  const names = new Set(keys.map(hostnameOf));
  return claim.keys.find((key) => keys.includes(key) || (node !== claim.node && names.has(hostnameOf(key))));
}

function toTaken(key: string | undefined, why: string): TakenRoute | undefined {
  return key === undefined ? undefined : { key, why };
}

function hostnameOf(routeKey: string): string {
  return routeKey.slice(0, routeKey.lastIndexOf(":"));
}
