import { mcpContract } from "#shared/contract/mcp.ts";
import type { Api } from "#shared/contract/server.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import type { McpContext } from "../context.ts";
import { explainRequest } from "../explain-request.ts";
import { listProxyViews, listRouteListings } from "../proxy-views.ts";
import { removeRoute, storeRoute } from "../store-route.ts";
import type { NameSync } from "../sync-names.ts";

/** Serves the routes of proxies: all of them to look at, the stored ones to change. */
export function serveRoutes(api: Api, context: McpContext, names: NameSync): void {
  api.implement(
    mcpContract.listRoutes,
    async ({ query }) => ({ routes: await listRouteListings(context, query.node) }),
  );
  api.implement(mcpContract.listProxies, async ({ query }) => ({ proxies: await listProxyViews(context, query.node) }));
  api.implement(mcpContract.explain, async ({ query }) => ({ explanations: await explainRequest(context, query) }));
  api.implement(mcpContract.putRoute, async ({ params, body, principal, setResource }) => {
    const { node, hostname, port } = params;
    const key = `${hostname}:${port}`;
    setResource(`${key} on ${node}`);
    const { route, replace } = body;
    if (route.hostname !== hostname || route.port !== port) {
      throw new PlatformError(
        "invalid-request",
        `Cannot store the route "${key}": the body is about "${route.hostname}:${route.port}", expected the same route`,
      );
    }
    const changed = await storeRoute(context, { node, route, replace, by: principal.username });
    if (changed) await names.sync();
    return { key, changed };
  });
  api.implement(mcpContract.deleteRoute, async ({ params, setResource }) => {
    setResource(`${params.hostname}:${params.port} on ${params.node}`);
    await removeRoute(context, params);
    await names.sync();
    return undefined;
  });
}
