import { mcpContract } from "#shared/contract/mcp.ts";
import type { Principal } from "#shared/contract/principal.ts";
import type { Api } from "#shared/contract/server.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { firewallTopic, type McpContext, nodeTopic, routesTopic } from "../context.ts";
import { assertOwnNode } from "./nodes.ts";

/** Serves what nodes follow. */
export function serveFeeds(api: Api, context: McpContext): void {
  api.implement(mcpContract.nodeFeed, async ({ params, query, principal, request }) => {
    assertOwnNode(principal, params.node);
    return await context.hub.answerPoll(nodeTopic(params.node), query.since, request);
  });
  api.implement(mcpContract.nodeStream, async ({ params, query, principal, request }) => {
    assertOwnNode(principal, params.node);
    return context.hub.answerStream(nodeTopic(params.node), query.since, request);
  });
  api.implement(
    mcpContract.routeFeed,
    async ({ query, principal, request }) =>
      await context.hub.answerPoll(routesTopic(nodeOf(principal, query.node)), query.since, request),
  );
  api.implement(
    mcpContract.routeStream,
    async ({ query, principal, request }) =>
      context.hub.answerStream(routesTopic(nodeOf(principal, query.node)), query.since, request),
  );
  api.implement(
    mcpContract.firewallFeed,
    async ({ query, principal, request }) =>
      await context.hub.answerPoll(firewallTopic(nodeOf(principal, query.node)), query.since, request),
  );
  api.implement(
    mcpContract.firewallStream,
    async ({ query, principal, request }) =>
      context.hub.answerStream(firewallTopic(nodeOf(principal, query.node)), query.since, request),
  );
}

function nodeOf(principal: Principal, asked: string | undefined): string {
  const node = asked ?? (principal.kind === "node" ? principal.username : undefined);
  if (node === undefined) {
    throw new PlatformError("invalid-request", "Cannot follow the feed: no node is named, expected ?node=<name>");
  }
  assertOwnNode(principal, node);
  return node;
}
