import type { Hono } from "hono";
import { auditMigration, listAudit } from "#shared/store/audit.ts";
import { createAuditor } from "#shared/store/auditor.ts";
import { mcpContract } from "#shared/contract/mcp.ts";
import { createApi, type TokenValidator } from "#shared/contract/server.ts";
import { createFeedHub } from "#shared/feed/feed-hub.ts";
import { feedMigration } from "#shared/feed/feed-store.ts";
import { createNotifier } from "#shared/lifecycle/queue.ts";
import type { Migration } from "#shared/store/migrate.ts";
import type { McpContext, McpDependencies } from "./context.ts";
import { listCertificateNames } from "./domain/desired-components.ts";
import { createLogRelay } from "./log-relay.ts";
import { mcpMigration } from "./migrations/0001-mcp.ts";
import { edgeMigration } from "./migrations/0002-edge.ts";
import { publishFirewall, publishRoutes } from "./publish.ts";
import { createReconciler } from "./reconcile.ts";
import { serveDeployments } from "./routes/deployments.ts";
import { serveFirewall } from "./routes/firewall.ts";
import { serveLogs } from "./routes/logs.ts";
import { serveFeeds } from "./routes/feeds.ts";
import { serveNodes } from "./routes/nodes.ts";
import { serveRoutes } from "./routes/routes.ts";
import { serveServices } from "./routes/services.ts";
import { removeLogRequests } from "./store/log-requests.ts";
import { findDeployment } from "./store/deployments.ts";
import { listNodes } from "./store/nodes.ts";
import { listServices } from "./store/services.ts";
import { restoreStoredGrants } from "./store-route.ts";
import { createNameSync } from "./sync-names.ts";

/** Schema of the MCP database. */
export const mcpMigrations: readonly Migration[] = [auditMigration, feedMigration, mcpMigration, edgeMigration];

/** The control plane. */
export interface Mcp extends AsyncDisposable {
  readonly app: Hono;
  /** Prepares what must be there before nodes connect: the platform's own routes and certificate rights. Idempotent. */
  prepare(): Promise<void>;
  /** Looks at what only time changes (deadlines) and at what failed before (names); to be called about once a second. */
  tick(): Promise<void>;
}

/** The control plane's handlers over a migrated database. */
export function createMcp(dependencies: McpDependencies & { readonly validator: TokenValidator }): Mcp {
  const { database, log, now } = dependencies;
  const stopping = new AbortController();
  const hub = createFeedHub(database);
  const context: McpContext = {
    ...dependencies,
    hub,
    progress: createNotifier(),
    serviceDomain: `svc.${dependencies.domain}`,
  };
  const api = createApi({
    system: "mcp",
    validator: dependencies.validator,
    log,
    now,
    audit: createAuditor(database, { now, log }),
  });
  const names = createNameSync(context);
  const reconciler = createReconciler(context, names);
  serveServices(api, { context, reconciler, names });
  serveDeployments(api, context, stopping.signal);
  serveNodes(api, { context, reconciler, names });
  serveFeeds(api, context);
  serveRoutes(api, context, names);
  serveFirewall(api, context);
  serveLogs(api, context, createLogRelay(hub), stopping.signal);
  api.implement(mcpContract.listAudit, async ({ query }) => ({ events: await listAudit(database, pageOf(query)) }));
  return {
    app: api.app,
    async prepare() {
      await removeLogRequests(hub);
      await restoreGrants(context);
      await restoreStoredGrants(context);
      const { platform } = context;
      await hub.transaction(async (tx) => {
        const nodes = (await listNodes(tx)).map(({ name }) => name);
        for (const node of new Set(platform === undefined ? nodes : [...nodes, platform.node])) {
          await publishRoutes(tx, context, node);
          await publishFirewall(tx, node);
        }
      });
    },
    async tick() {
      await names.sync();
      for (const service of await listServices(database)) {
        if (service.open_deployment !== null) await reconciler.advance(service.name);
      }
    },
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await hub[Symbol.asyncDispose]();
    },
  };
}

function pageOf(query: { limit: number; before?: number | undefined }): { limit: number; before?: number } {
  return query.before === undefined ? { limit: query.limit } : { limit: query.limit, before: query.before };
}

/** Certificate rights of the platform's names and of what is deployed, as Metacrypt may have been restored from a backup. */
async function restoreGrants(context: McpContext): Promise<void> {
  const { platform, metacrypt } = context;
  if (platform !== undefined) {
    const names = platform.systems.map((system) => `${system}.${context.serviceDomain}`);
    await metacrypt.putGrant({ params: { account: platform.node, owner: "platform" }, body: { names } });
  }
  for (const service of await listServices(context.database)) {
    const active = await findDeployment(context.database, service.active_deployment);
    const names = listCertificateNames(active?.components ?? []);
    if (names.length > 0) {
      await metacrypt.putGrant({ params: { account: service.node, owner: service.name }, body: { names } });
    }
  }
}
