import type { ServiceDefinition } from "#shared/contract/definition.ts";
import { parseImageReference } from "#shared/contract/image-reference.ts";
import type { Deployment, DeploymentKind } from "#shared/contract/mcp.ts";
import type { DesiredComponent } from "#shared/contract/state.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import type { Sql } from "#shared/store/database.ts";
import { assertRoutesAreFree } from "./assert-routes-are-free.ts";
import { forwardAuthUrlOf, leaseSeconds, type McpContext } from "./context.ts";
import { assertHostAccess } from "./domain/assert-host-access.ts";
import { assertRouteAccess } from "./domain/assert-route-access.ts";
import { listCertificateNames, listRouteKeys, toDesiredComponents } from "./domain/desired-components.ts";
import { publishDesired, publishRoutes, sha256Hex } from "./publish.ts";
import {
  appendEvent,
  findDeployment,
  getDeployment,
  insertDeployment,
  toDeployment,
  updateDeployment,
} from "./store/deployments.ts";
import { findNode, listServiceInstances } from "./store/nodes.ts";
import type { DeploymentRow, ServiceRow } from "./store/rows.ts";
import { findService, getService, storeDefinition, updateService } from "./store/services.ts";

/** Who asks, and for what. */
export interface DeployRequest {
  readonly service: string;
  readonly by: string;
  /** Whether the caller has the admin role, without which a service may not reach beyond its own folder. */
  readonly isAdmin: boolean;
  readonly definition?: ServiceDefinition | undefined;
  readonly force?: boolean;
}

/**
 * Begins to deploy: resolves images, checks what can be checked, grants certificate names, and tells the node. It then goes on by itself.
 *
 * @throws {PlatformError} forbidden, image-not-found, conflict, unavailable, not-found — before anything has changed
 */
export async function beginDeploy(context: McpContext, request: DeployRequest): Promise<Deployment> {
  const definition = request.definition ?? (await getService(context.database, request.service)).definition;
  assertSameName(definition, request.service);
  if (!request.isAdmin) {
    assertHostAccess(definition);
    assertRouteAccess(definition);
  }
  await assertNodeIsReady(context, definition.node);
  const id = context.newId();
  const components = toDesiredComponents({
    definition,
    digests: await resolveImages(context, definition),
    serviceDomain: context.serviceDomain,
    hash: sha256Hex,
    forwardAuthUrl: forwardAuthUrlOf(context, definition.node),
    ...(request.force ? { salt: id } : {}),
  });
  // Looked at twice: before a node gets the right to any certificate, and where nobody can come in between.
  await assertMayTake(context.database, context, definition, components);
  await grantNames(context, definition, components);
  try {
    const row = await context.hub.transaction(async (tx) => {
      await assertMayTake(tx, context, definition, components);
      const { revision } = await storeDefinition(tx, definition, { by: request.by, at: context.now().toISOString() });
      const service = await getService(tx, definition.name);
      return await begin(tx, context, { service, id, kind: "deploy", revision, components, by: request.by });
    });
    return toDeployment(row);
  } catch (error) {
    await grantNames(context, definition, []);
    throw error;
  }
}

async function assertMayTake(
  sql: Sql,
  context: McpContext,
  definition: ServiceDefinition,
  components: readonly DesiredComponent[],
): Promise<void> {
  const known = await findService(sql, definition.name);
  if (known !== undefined && known.desired !== "defined" && known.node !== definition.node) {
    throw new PlatformError(
      "conflict",
      `Cannot deploy "${known.name}" to node "${definition.node}": it runs on "${known.node}", expected undeploy first`,
    );
  }
  await assertRoutesAreFree(sql, context, {
    node: definition.node,
    target: `"${definition.name}"`,
    service: definition.name,
    keys: listRouteKeys(components),
  });
}

/**
 * Begins to stop, start, restart or undeploy a service.
 *
 * @throws {PlatformError} not-found — when it is not known; conflict — when its state does not allow it
 */
export async function beginChange(
  context: McpContext,
  request: { readonly service: string; readonly kind: Exclude<DeploymentKind, "deploy">; readonly by: string },
): Promise<Deployment> {
  const { kind } = request;
  const service = await getService(context.database, request.service);
  assertAllowed(service, kind);
  if (kind === "start" || kind === "restart") await assertNodeIsReady(context, service.node);
  const row = await context.hub.transaction(async (tx) => {
    const current = await getService(tx, request.service);
    assertAllowed(current, kind);
    const active = await findDeployment(tx, current.active_deployment);
    return await begin(tx, context, {
      service: current,
      id: context.newId(),
      kind,
      revision: active?.revision ?? current.revision,
      components: active?.components ?? [],
      by: request.by,
    });
  });
  return toDeployment(row);
}

function assertAllowed(service: ServiceRow, kind: DeploymentKind): void {
  if (kind === "undeploy") return;
  const expected = kind === "start" ? "stopped" : "running";
  if (service.desired !== expected) {
    throw new PlatformError(
      "conflict",
      `Cannot ${kind} "${service.name}": it is ${service.desired}, expected it to be ${expected}`,
    );
  }
}

interface Beginning {
  readonly service: ServiceRow;
  readonly id: string;
  readonly kind: DeploymentKind;
  readonly revision: number;
  readonly components: readonly DesiredComponent[];
  readonly by: string;
}

async function begin(tx: Sql, context: McpContext, beginning: Beginning): Promise<DeploymentRow> {
  const { service, id, kind } = beginning;
  await supersede(tx, context, service, kind);
  const isTakingDown = kind === "stop" || kind === "undeploy";
  const instances = await listServiceInstances(tx, service.node, service.name);
  await insertDeployment(tx, {
    id,
    service: service.name,
    node: service.node,
    kind,
    revision: beginning.revision,
    status: isTakingDown ? "routing" : "starting",
    components: [...beginning.components],
    baseline: Object.fromEntries(instances.map(({ instance, startedAt }) => [instance, startedAt ?? ""])),
    created_by: beginning.by,
    created_at: context.now().toISOString(),
  });
  await updateService(tx, service.name, {
    open_deployment: id,
    ...(isTakingDown ? { routed_deployment: null } : {}),
    ...(kind === "restart" ? { restart_generation: service.restart_generation + 1 } : {}),
  });
  // Also when nothing is taken down: what was held for a superseded deployment is let go.
  const routesRevision = await publishRoutes(tx, context, service.node);
  if (isTakingDown) await updateDeployment(tx, id, { routes_revision: routesRevision });
  await publishDesired(tx, await getService(tx, service.name));
  const row = await getDeployment(tx, id);
  await appendEvent(tx, row, context.now(), {
    step: isTakingDown ? "route" : "start",
    state: "started",
    message: isTakingDown
      ? "removing routes and names"
      : `node ${service.node} was told to ${kind} revision ${row.revision}`,
  });
  return row;
}

/** A newer wish wins, except that nothing overtakes a take-down but another take-down. */
async function supersede(tx: Sql, context: McpContext, service: ServiceRow, kind: DeploymentKind): Promise<void> {
  const open = await findDeployment(tx, service.open_deployment);
  if (open === undefined) return;
  const isOpenTakingDown = open.kind === "stop" || open.kind === "undeploy";
  if (isOpenTakingDown && kind !== "undeploy") {
    throw new PlatformError(
      "conflict",
      `Cannot ${kind} "${service.name}": ${open.kind} is under way, expected it to end first`,
      {
        details: { deployment: open.id },
      },
    );
  }
  const at = context.now().toISOString();
  await updateDeployment(tx, open.id, { status: "superseded", finished_at: at, error: `a newer ${kind} took over` });
  await appendEvent(tx, open, context.now(), {
    step: "finish",
    state: "failed",
    message: `a newer ${kind} took over`,
    status: "superseded",
  });
}

function assertSameName(definition: ServiceDefinition, service: string): void {
  if (definition.name === service) return;
  throw new PlatformError(
    "invalid-request",
    `Cannot deploy "${service}": the definition is named "${definition.name}", expected the same name`,
  );
}

async function assertNodeIsReady(context: McpContext, name: string): Promise<void> {
  const node = await findNode(context.database, name);
  if (node === undefined) {
    throw new PlatformError(
      "not-found",
      `Cannot deploy to node "${name}": it is not known, expected an enrolled node`,
      { details: { next: "mcp node list" } },
    );
  }
  const silentMs = context.now().getTime() - Date.parse(node.last_seen_at);
  if (silentMs > leaseSeconds * 1000) {
    throw new PlatformError(
      "unavailable",
      `Cannot deploy to node "${name}": it was last heard of ${
        Math.round(silentMs / 1000)
      } s ago, expected within ${leaseSeconds} s`,
    );
  }
}

async function resolveImages(context: McpContext, definition: ServiceDefinition): Promise<Map<string, string>> {
  const digests = new Map<string, string>();
  const registry = `mcr.${context.serviceDomain}`;
  for (const { image } of definition.components) {
    const reference = parseImageReference(image);
    if (reference.registry.split(":")[0] !== registry) continue;
    const digest = await context.resolveImage(reference.repository, reference.tag);
    if (digest === undefined) {
      throw new PlatformError(
        "image-not-found",
        `Cannot deploy "${definition.name}": the registry has no image "${image}", expected it to be pushed (mcp build ${definition.name})`,
      );
    }
    digests.set(image, digest);
  }
  return digests;
}

/** Lets the node have certificates for the names of what the service serves, of what it is about to serve, and of `components`. */
async function grantNames(
  context: McpContext,
  definition: ServiceDefinition,
  components: readonly DesiredComponent[],
): Promise<void> {
  const service = await findService(context.database, definition.name);
  const active = await findDeployment(context.database, service?.active_deployment ?? null);
  const open = await findDeployment(context.database, service?.open_deployment ?? null);
  const all = [active?.components, open?.components, components];
  const names = [...new Set(all.flatMap((some) => listCertificateNames(some ?? [])))];
  await context.metacrypt.putGrant({ params: { account: definition.node, owner: definition.name }, body: { names } });
}
