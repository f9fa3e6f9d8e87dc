import { mcpContract } from "#shared/contract/mcp.ts";
import type { Principal } from "#shared/contract/principal.ts";
import type { Api } from "#shared/contract/server.ts";
import type { InstanceReport } from "#shared/contract/state.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { readRevision } from "#shared/feed/feed-store.ts";
import type { Sql } from "#shared/store/database.ts";
import { leaseSeconds, type McpContext, routesTopic } from "../context.ts";
import { publishFirewall, publishRoutes } from "../publish.ts";
import type { Reconciler } from "../reconcile.ts";
import { appendEvent, findDeployment, type NewEvent } from "../store/deployments.ts";
import { findNode, listNodeInstances, recordHeartbeat, recordNodeReport, recordProxyReport } from "../store/nodes.ts";
import { listServices } from "../store/services.ts";
import type { NameSync } from "../sync-names.ts";
import { listNodeViews } from "../views.ts";

/** What the node endpoints need. */
export interface NodeRouteDependencies {
  readonly context: McpContext;
  readonly reconciler: Reconciler;
  readonly names: NameSync;
}

/**
 * A node speaks for itself only.
 *
 * @throws {PlatformError} forbidden — when a node asks about another one
 */
export function assertOwnNode(principal: Principal, node: string): void {
  if (principal.kind !== "node" || principal.username === node) return;
  throw new PlatformError(
    "forbidden",
    `Cannot act for node "${node}": the caller is node "${principal.username}", expected the node itself`,
  );
}

/** Serves what nodes report. */
export function serveNodes(api: Api, { context, reconciler, names }: NodeRouteDependencies): void {
  api.implement(mcpContract.listNodes, async () => ({ nodes: await listNodeViews(context) }));
  api.implement(mcpContract.heartbeat, async ({ params, body, principal }) => {
    assertOwnNode(principal, params.node);
    const isNew = await context.hub.transaction(async (tx) => {
      const before = await findNode(tx, params.node);
      await recordHeartbeat(tx, params.node, body, context.now().toISOString());
      if (before === undefined) {
        await publishRoutes(tx, context, params.node);
        await publishFirewall(tx, params.node);
      }
      return before?.address !== body.address;
    });
    if (isNew) await names.sync();
    return { leaseSeconds };
  });
  api.implement(mcpContract.reportNode, async ({ params, body, principal }) => {
    assertOwnNode(principal, params.node);
    const outcome = await context.hub.transaction(async (tx) => {
      await appendTransitions(tx, context, params.node, body.instances);
      await recordNodeReport(tx, params.node, body, context.now().toISOString());
      const before = await readRevision(tx, routesTopic(params.node));
      return { routesChanged: (await publishRoutes(tx, context, params.node)) !== before };
    });
    context.progress.notify();
    if (outcome.routesChanged) await names.sync();
    await advanceNode(params.node);
    return undefined;
  });
  api.implement(mcpContract.reportProxy, async ({ params, body, principal }) => {
    assertOwnNode(principal, params.node);
    await context.hub.transaction((tx) => recordProxyReport(tx, params.node, body, context.now().toISOString()));
    await advanceNode(params.node);
    return undefined;
  });

  async function advanceNode(node: string): Promise<void> {
    for (const service of await listServices(context.database)) {
      if (service.node === node && service.open_deployment !== null) await reconciler.advance(service.name);
    }
  }
}

/** Turns changes of instances into progress of the deployments that asked for them. */
async function appendTransitions(
  tx: Sql,
  context: McpContext,
  node: string,
  reported: readonly InstanceReport[],
): Promise<void> {
  const before = new Map((await listNodeInstances(tx, node)).map((instance) => [instance.instance, instance]));
  for (const service of await listServices(tx)) {
    const deployment = await findDeployment(tx, service.open_deployment);
    if (deployment === undefined || service.node !== node || deployment.status !== "starting") continue;
    for (const instance of reported) {
      const isOwn = instance.service === service.name &&
        deployment.components.some(({ specHash }) => specHash === instance.specHash);
      if (!isOwn || !isTransition(before.get(instance.instance), instance)) continue;
      const event = toTransitionEvent(instance, deployment.baseline[instance.instance]);
      if (event !== undefined) await appendEvent(tx, deployment, context.now(), event);
    }
  }
}

/** A container that is being made is reported as starting before it runs: its start is a transition too. */
function isTransition(before: InstanceReport | undefined, now: InstanceReport): boolean {
  return before?.state !== now.state || (now.state === "starting" && before.startedAt !== now.startedAt);
}

/** `baseline` is when the instance had started before the deployment: one that still has that time has not started yet. */
function toTransitionEvent(instance: InstanceReport, baseline: string | undefined): NewEvent | undefined {
  const { component, image } = instance;
  switch (instance.state) {
    case "pulling":
      return { step: "pull", state: "started", component, message: `pulling ${image}` };
    case "starting": {
      const container = `container ${instance.containerName ?? instance.instance}`;
      return instance.startedAt === undefined || instance.startedAt === baseline
        ? { step: "start", state: "started", component, message: `starting ${container}` }
        : { step: "start", state: "done", component, message: `${container} runs` };
    }
    case "healthy":
      return { step: "health", state: "done", component, message: "healthy" };
    // A failure is told by the decision to revert, with its log.
    case "failed":
    case "unhealthy":
    case "stopping":
    case "stopped":
      return undefined;
  }
}
