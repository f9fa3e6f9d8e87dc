import type { StoredRouteDefinition } from "#shared/contract/route-definition.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import type { Sql } from "#shared/store/database.ts";
import { assertRoutesAreFree, findTakenRoute } from "./assert-routes-are-free.ts";
import type { McpContext } from "./context.ts";
import { needsPlatformCertificate } from "./domain/desired-components.ts";
import { publishRoutes, sha256Hex } from "./publish.ts";
import { assertNodeIsKnown } from "./store/nodes.ts";
import {
  findStoredRoute,
  listStoredRoutes,
  removeStoredRoute,
  type StoredRouteKey,
  upsertStoredRoute,
} from "./store/stored-routes.ts";

/** A route that an operator wants to store. */
export interface StoreRouteRequest {
  readonly node: string;
  readonly route: StoredRouteDefinition;
  /** Whether it may take the place of a stored one. */
  readonly replace: boolean;
  readonly by: string;
}

/**
 * Stores a route on a node, gives the node the right to its certificate, and tells the proxy. Says whether that changed anything.
 *
 * @throws {PlatformError} not-found — when the node is not known; conflict — when the name is taken — before anything has changed
 */
export async function storeRoute(context: McpContext, request: StoreRouteRequest): Promise<boolean> {
  const { node, route } = request;
  // Looked at twice: before the node gets the right to a certificate, and where nobody can come in between.
  await assertMayStore(context.database, context, request);
  await grantStoredName(context, node, { hostname: route.hostname, wanted: route });
  try {
    return await context.hub.transaction(async (tx) => {
      const before = await assertMayStore(tx, context, request);
      if (JSON.stringify(before) === JSON.stringify(route)) return false;
      await upsertStoredRoute(tx, node, route, { by: request.by, at: context.now().toISOString() });
      await publishRoutes(tx, context, node);
      return true;
    });
  } catch (error) {
    await grantStoredName(context, node, { hostname: route.hostname });
    throw error;
  }
}

async function assertMayStore(
  sql: Sql,
  context: McpContext,
  { node, route, replace }: StoreRouteRequest,
): Promise<StoredRouteDefinition | undefined> {
  const key = `${route.hostname}:${route.port}`;
  await assertNodeIsKnown(sql, node, `store the route "${key}"`);
  await assertRoutesAreFree(sql, context, { node, target: route.backends.join(", "), keys: [key] });
  const before = (await findStoredRoute(sql, { node, ...route }))?.definition;
  if (before !== undefined && !replace && JSON.stringify(before) !== JSON.stringify(route)) {
    throw new PlatformError(
      "conflict",
      `Cannot route "${key}" to ${route.backends.join(", ")}: it is a stored route to ${
        before.backends.join(", ")
      } on node "${node}", expected a free one, or to replace it (mcp route add --replace)`,
    );
  }
  return before;
}

/**
 * Removes a stored route, with the node's right to a certificate that nothing stored needs any more.
 *
 * @throws {PlatformError} not-found — when there is none; conflict — when the route is not a stored one
 */
export async function removeRoute(context: McpContext, key: StoredRouteKey): Promise<void> {
  await context.hub.transaction(async (tx) => {
    if (await findStoredRoute(tx, key) === undefined) throw await noSuchRoute(tx, context, key);
    await removeStoredRoute(tx, key);
    await publishRoutes(tx, context, key.node);
  });
  await grantStoredName(context, key.node, { hostname: key.hostname });
}

async function noSuchRoute(sql: Sql, context: McpContext, key: StoredRouteKey): Promise<PlatformError> {
  const { node, hostname, port } = key;
  const text = `${hostname}:${port}`;
  const taken = await findTakenRoute(sql, context, { node, target: "nothing", keys: [text] });
  const why = taken?.why ?? `node "${node}" has no such route`;
  return new PlatformError(
    taken === undefined ? "not-found" : "conflict",
    `Cannot remove the route "${text}": ${why}, expected a stored route of node "${node}" (mcp route list)`,
  );
}

/** Grants, or takes away, a node's right to certificates for a stored name. Each name has an owner of its own: their number has no bound. */
async function grantStoredName(
  context: McpContext,
  node: string,
  { hostname, wanted }: { readonly hostname: string; readonly wanted?: StoredRouteDefinition },
): Promise<void> {
  const stored = (await listStoredRoutes(context.database, node)).map(({ definition }) => definition);
  const all = [...stored, ...(wanted === undefined ? [] : [wanted])];
  const isNeeded = all.some((route) => route.hostname === hostname && needsPlatformCertificate(route));
  // No service is named with a dot.
  const owner = `stored.${sha256Hex(hostname).slice(0, 32)}`;
  await context.metacrypt.putGrant({ params: { account: node, owner }, body: { names: isNeeded ? [hostname] : [] } });
}

/** Grants again what stored routes need, as Metacrypt may have been restored from a backup. */
export async function restoreStoredGrants(context: McpContext): Promise<void> {
  for (const { node, definition } of await listStoredRoutes(context.database)) {
    if (needsPlatformCertificate(definition)) await grantStoredName(context, node, definition);
  }
}
