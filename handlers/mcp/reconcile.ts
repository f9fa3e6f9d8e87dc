import { describeError } from "#shared/errors/platform-error.ts";
import type { Sql } from "#shared/store/database.ts";
import type { McpContext } from "./context.ts";
import { advanceDeployment, type Decision, type DeploymentFacts } from "./domain/advance-deployment.ts";
import { listCertificateNames, listRouteKeys } from "./domain/desired-components.ts";
import { publishDesired, publishRoutes } from "./publish.ts";
import { appendEvent, findDeployment, type NewEvent, updateDeployment } from "./store/deployments.ts";
import { findNode, listServiceInstances } from "./store/nodes.ts";
import type { DeploymentRow, NodeRow, ServiceRow } from "./store/rows.ts";
import { findService, getService, removeService, updateService } from "./store/services.ts";
import type { NameSync } from "./sync-names.ts";

/** Moves deployments on. Called whenever something was reported, and by a tick for what only time changes. */
export interface Reconciler {
  /** Takes all steps that the service's open deployment can take now. */
  advance(service: string): Promise<void>;
}

interface Step {
  readonly decision: Decision["kind"];
  readonly deployment?: DeploymentRow;
  readonly service?: ServiceRow;
}

/** A reconciler; its only memory is which paths it has proven, and that can be proven again. */
export function createReconciler(context: McpContext, names: NameSync): Reconciler {
  const proven = new Map<string, number>();
  const proving = new Set<string>();
  return { advance };

  async function advance(name: string): Promise<void> {
    for (;;) {
      const step = await context.hub.transaction((tx) => takeStep(tx, context, name, proven));
      if (step.decision === "wait") return;
      context.progress.notify();
      await afterStep(step, name);
      if (step.decision === "verify") return;
    }
  }

  async function afterStep(step: Step, name: string): Promise<void> {
    if (step.decision === "route" || step.decision === "revert" || step.decision === "succeed") await names.sync();
    if (step.decision === "verify" && step.deployment !== undefined) void prove(step.deployment, name);
    if ((step.decision === "succeed" || step.decision === "fail") && step.service !== undefined) {
      await trimGrants(context, step.service, await findService(context.database, name));
    }
  }

  /** Runs beside the request that asked for it; its result is looked at by the next step. */
  async function prove(deployment: DeploymentRow, name: string): Promise<void> {
    if (proving.has(deployment.id)) return;
    proving.add(deployment.id);
    try {
      await proveRoutes(context, deployment);
      proven.set(deployment.id, deployment.routes_revision ?? 0);
    } catch (error) {
      context.log.info("the path is not proven yet", { deployment: deployment.id, error });
      await context.hub.transaction((tx) => recordUnproven(tx, context, deployment, describeError(error)));
    } finally {
      proving.delete(deployment.id);
    }
    await advance(name).catch((error: unknown) => context.log.error("cannot advance", { service: name, error }));
    if (proven.size > 1_000) proven.clear();
  }
}

async function takeStep(
  tx: Sql,
  context: McpContext,
  name: string,
  proven: ReadonlyMap<string, number>,
): Promise<Step> {
  const service = await findService(tx, name);
  const deployment = await findDeployment(tx, service?.open_deployment ?? null);
  if (service === undefined || deployment === undefined) return { decision: "wait" };
  const decision = advanceDeployment(await gatherFacts(tx, context, { service, deployment, proven }));
  await applyDecision(tx, context, { service, deployment, decision });
  return { decision: decision.kind, deployment, service };
}

async function gatherFacts(
  tx: Sql,
  context: McpContext,
  { service, deployment, proven }: {
    readonly service: ServiceRow;
    readonly deployment: DeploymentRow;
    readonly proven: ReadonlyMap<string, number>;
  },
): Promise<DeploymentFacts> {
  const node = await findNode(tx, deployment.node);
  return {
    kind: deployment.kind,
    status: deployment.status,
    components: deployment.components,
    baseline: deployment.baseline,
    deploymentId: deployment.id,
    restartGeneration: service.restart_generation,
    routesRevision: deployment.routes_revision ?? undefined,
    released: deployment.released,
    phaseAgeMs: context.now().getTime() - Date.parse(deployment.phase_started_at),
    verified: proven.get(deployment.id) === (deployment.routes_revision ?? 0),
    instances: await listServiceInstances(tx, deployment.node, deployment.service),
    proxy: {
      appliedRevision: node?.proxy_revision ?? 0,
      problems: node?.proxy_problems ?? {},
      draining: node?.proxy_draining ?? {},
    },
  };
}

interface Decided {
  readonly service: ServiceRow;
  readonly deployment: DeploymentRow;
  readonly decision: Decision;
}

async function applyDecision(tx: Sql, context: McpContext, { service, deployment, decision }: Decided): Promise<void> {
  const phase_started_at = context.now().toISOString();
  const event = (content: NewEvent) => appendEvent(tx, deployment, context.now(), content);
  switch (decision.kind) {
    case "wait":
    case "verify":
      return;
    case "route": {
      await updateService(tx, service.name, { routed_deployment: deployment.id });
      const revision = await publishRoutes(tx, context, deployment.node);
      const hasRoutes = listRouteKeys(deployment.components).length > 0;
      await updateDeployment(tx, deployment.id, {
        status: "routing",
        routes_revision: hasRoutes ? revision : null,
        phase_started_at,
      });
      if (hasRoutes) {
        await event({ step: "route", state: "started", message: "pointing the routes to the new instances" });
      }
      return;
    }
    case "drain":
      await updateDeployment(tx, deployment.id, { status: "draining", phase_started_at });
      await event({ step: "route", state: "done", message: describeRouted(deployment) });
      return;
    case "release":
      await updateDeployment(tx, deployment.id, { released: 1, phase_started_at });
      await publishDesired(tx, await getService(tx, service.name));
      await event({
        step: deployment.kind === "deploy" ? "drain" : "stop",
        state: "started",
        message: describeRelease(deployment),
      });
      return;
    case "revert":
      await applyRevert(tx, context, { service, deployment, decision });
      return;
    case "succeed":
      await applySuccess(tx, context, { service, deployment, decision });
      return;
    case "fail":
      await finishDeployment(tx, context, { service, deployment, decision });
  }
}

async function applyRevert(tx: Sql, context: McpContext, decided: Decided): Promise<void> {
  const { service, deployment, decision } = decided;
  if (decision.kind !== "revert") return;
  const isServing = service.desired === "running" ? service.active_deployment : null;
  await updateService(tx, service.name, { routed_deployment: isServing });
  await updateDeployment(tx, deployment.id, {
    status: "reverting",
    error: decision.reason,
    phase_started_at: context.now().toISOString(),
  });
  await publishRoutes(tx, context, deployment.node);
  await publishDesired(tx, await getService(tx, service.name));
  await appendEvent(tx, deployment, context.now(), {
    step: deployment.status !== "starting" ? "route" : decision.neverRan === true ? "start" : "health",
    state: "failed",
    component: decision.component,
    message: decision.reason,
    ...(decision.log === undefined ? {} : { log: [...decision.log] }),
  });
  await appendEvent(tx, deployment, context.now(), {
    step: "revert",
    state: "started",
    message: isServing === null ? "removing the new version" : "the old version keeps serving, removing the new one",
  });
}

async function applySuccess(tx: Sql, context: McpContext, decided: Decided): Promise<void> {
  const { service, deployment } = decided;
  if (deployment.kind === "undeploy") await removeService(tx, service.name);
  else if (deployment.kind === "stop") await updateService(tx, service.name, { desired: "stopped" });
  else await updateService(tx, service.name, { desired: "running", active_deployment: deployment.id });
  await finishDeployment(tx, context, decided);
}

async function finishDeployment(
  tx: Sql,
  context: McpContext,
  { service, deployment, decision }: Decided,
): Promise<void> {
  const isSuccess = decision.kind === "succeed";
  const at = context.now().toISOString();
  const status = isSuccess ? "succeeded" : "failed";
  await updateService(tx, service.name, { open_deployment: null });
  await updateDeployment(tx, deployment.id, { status, finished_at: at, phase_started_at: at });
  const after = await findService(tx, service.name);
  if (after !== undefined) await publishDesired(tx, after);
  // Nothing is held any more for a deployment that has ended.
  await publishRoutes(tx, context, deployment.node);
  await appendEvent(tx, deployment, context.now(), {
    step: "finish",
    state: isSuccess ? "done" : "failed",
    message: isSuccess
      ? decision.note ?? `${deployment.kind} of ${deployment.service} is done`
      : deployment.error ?? "the deployment failed",
    status,
  });
}

async function recordUnproven(tx: Sql, context: McpContext, deployment: DeploymentRow, reason: string): Promise<void> {
  await appendEvent(tx, deployment, context.now(), { step: "verify", state: "info", message: reason });
}

function describeRouted(deployment: DeploymentRow): string {
  if (deployment.kind === "stop" || deployment.kind === "undeploy") return "routes and names are gone";
  const keys = listRouteKeys(deployment.components);
  return keys.length === 0
    ? "there are no routes"
    : `routes serve the new instances, proven by the real path: ${keys.join(", ")}`;
}

function describeRelease(deployment: DeploymentRow): string {
  switch (deployment.kind) {
    case "stop":
      return "stopping the containers";
    case "undeploy":
      return "removing the containers";
    case "deploy":
    case "start":
    case "restart":
      return "nothing is in flight to the old instances, removing them";
  }
}

/** How long one attempt to prove a route may take, in milliseconds. */
const probeTimeoutMs = 20_000;

async function proveRoutes(context: McpContext, deployment: DeploymentRow): Promise<void> {
  const node = await findNode(context.database, deployment.node);
  const instances = await listServiceInstances(context.database, deployment.node, deployment.service);
  const signal = AbortSignal.timeout(probeTimeoutMs);
  const foreign = listForeignCertificates(node);
  for (const component of deployment.components) {
    const expected = instances.filter(({ specHash }) => specHash === component.specHash).map(({ instance }) =>
      instance
    );
    for (const { hostname, port, mode, rules } of component.routes) {
      // The proxy lets nobody else through, the control plane included: its report has to do.
      if (mode === "l4" && rules?.policies?.allowAddresses !== undefined) continue;
      const hasForeignCertificate = rules?.certificate === "acme" || foreign.has(hostname);
      const nodeAddress = node?.address ?? "";
      await context.probeRoute({
        hostname,
        port,
        mode,
        nodeAddress,
        instances: expected,
        ...(hasForeignCertificate ? { hasForeignCertificate } : {}),
      }, signal);
    }
  }
}

/** The names whose certificates the proxy has from elsewhere than the platform's CA. */
function listForeignCertificates(node: NodeRow | undefined): Set<string> {
  const certificates = node?.proxy_report?.certificates ?? [];
  return new Set(certificates.filter(({ source }) => source !== "platform").map(({ hostname }) => hostname));
}

/** Takes away the right to certificates that the service no longer routes. Best effort: what stays is a name the node had before. */
async function trimGrants(context: McpContext, before: ServiceRow, after: ServiceRow | undefined): Promise<void> {
  const active = await findDeployment(context.database, after?.active_deployment ?? null);
  const names = listCertificateNames(active?.components ?? []);
  try {
    await context.metacrypt.putGrant({ params: { account: before.node, owner: before.name }, body: { names } });
  } catch (error) {
    context.log.warn("cannot trim certificate rights", { service: before.name, error });
  }
}
