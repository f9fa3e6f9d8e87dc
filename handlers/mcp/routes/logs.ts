import { mcpContract } from "#shared/contract/mcp.ts";
import type { Api } from "#shared/contract/server.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { type McpContext } from "../context.ts";
import type { LogRelay } from "../log-relay.ts";
import { listServiceInstances } from "../store/nodes.ts";
import { getService } from "../store/services.ts";
import { listNodeViews } from "../views.ts";
import { assertOwnNode } from "./nodes.ts";

/** Serves logs: the wish of an operator, and the lines of a node. */
export function serveLogs(api: Api, context: McpContext, relay: LogRelay, stopping: AbortSignal): void {
  api.implement(mcpContract.logs, async ({ params, query, request }) => {
    const service = await getService(context.database, params.service);
    const instances = await listServiceInstances(context.database, service.node, service.name);
    const matching = instances.filter(({ component }) =>
      query.component === undefined || query.component === component
    );
    if (matching.length === 0) {
      const what = query.component === undefined ? service.name : `${service.name}/${query.component}`;
      throw new PlatformError(
        "not-found",
        `Cannot show logs of "${what}": it has no containers, expected a deployed service`,
      );
    }
    await assertNodeAnswers(context, service.node);
    const wish = {
      requestId: context.newId(),
      service: service.name,
      ...(query.component === undefined ? {} : { component: query.component }),
      tail: query.tail,
      follow: query.follow,
    };
    const lines = await relay.open(service.node, wish, AbortSignal.any([request.signal, stopping]));
    return new Response(lines, { headers: { "content-type": "application/x-ndjson", "cache-control": "no-store" } });
  });
  api.implement(mcpContract.sendLogs, async ({ params, principal, request }) => {
    assertOwnNode(principal, params.node);
    if (request.body === null) {
      throw new PlatformError("invalid-request", "Cannot deliver logs: there is no body, expected NDJSON");
    }
    await relay.deliver(params.node, params.requestId, request.body);
    return undefined;
  });
}

async function assertNodeAnswers(context: McpContext, name: string): Promise<void> {
  const node = (await listNodeViews(context)).find((view) => view.name === name);
  if (node?.status === "ready") return;
  throw new PlatformError("unavailable", `Cannot show logs: node "${name}" is silent, expected it to be ready`);
}
