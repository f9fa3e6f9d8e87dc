import { mcpContract } from "#shared/contract/mcp.ts";
import { isAdmin } from "#shared/contract/principal.ts";
import type { Api } from "#shared/contract/server.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { beginChange, beginDeploy } from "../begin-deployment.ts";
import type { McpContext } from "../context.ts";
import type { Reconciler } from "../reconcile.ts";
import { getService, listServices, storeDefinition } from "../store/services.ts";
import type { NameSync } from "../sync-names.ts";
import { listInstanceViews, toServiceDetail, toServiceSummary } from "../views.ts";

/** What the service endpoints need. */
export interface ServiceRouteDependencies {
  readonly context: McpContext;
  readonly reconciler: Reconciler;
  readonly names: NameSync;
}

/** Serves what operators do with services. */
export function serveServices(api: Api, { context, reconciler, names }: ServiceRouteDependencies): void {
  api.implement(mcpContract.listServices, async () => {
    const services = await listServices(context.database);
    return { services: await Promise.all(services.map((service) => toServiceSummary(context, service))) };
  });
  api.implement(
    mcpContract.getService,
    async ({ params }) => await toServiceDetail(context, await getService(context.database, params.service)),
  );
  api.implement(mcpContract.listInstances, async () => ({ instances: await listInstanceViews(context) }));
  api.implement(mcpContract.putService, async ({ params, body, principal, setResource }) => {
    setResource(params.service);
    if (body.name !== params.service) {
      throw new PlatformError(
        "conflict",
        `Cannot store "${params.service}": the definition is named "${body.name}", expected the same name`,
      );
    }
    const authorship = { by: principal.username, at: context.now().toISOString() };
    const stored = await context.hub.transaction((tx) => storeDefinition(tx, body, authorship));
    return { service: body.name, ...stored };
  });
  api.implement(mcpContract.deploy, async ({ params, body, principal, setResource }) => {
    setResource(params.service);
    const deployment = await beginDeploy(context, {
      service: params.service,
      by: principal.username,
      isAdmin: isAdmin(principal),
      ...body,
    });
    await moveOn(params.service);
    return deployment;
  });
  for (const kind of ["stop", "start", "restart", "undeploy"] as const) {
    api.implement(mcpContract[kind], async ({ params, principal, setResource }) => {
      setResource(params.service);
      const deployment = await beginChange(context, { service: params.service, kind, by: principal.username });
      await moveOn(params.service);
      return deployment;
    });
  }

  async function moveOn(service: string): Promise<void> {
    context.progress.notify();
    await names.sync();
    await reconciler.advance(service);
  }
}
