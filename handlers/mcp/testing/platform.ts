import type { Principal } from "#shared/contract/principal.ts";
import { type ContractClient, createClient } from "#shared/contract/client.ts";
import { mcpContract } from "#shared/contract/mcp.ts";
import { ServiceDefinition } from "#shared/contract/definition.ts";
import { FirewallRules } from "#shared/contract/firewall.ts";
import type { DesiredService, InstanceReport, ProxyReport } from "#shared/contract/state.ts";
import { Route } from "#shared/contract/route.ts";
import { DesiredService as DesiredServiceSchema } from "#shared/contract/state.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { readFrame, readRevision } from "#shared/feed/feed-store.ts";
import { silentLog } from "#shared/log/log.ts";
import type { Database } from "#shared/store/database.ts";
import { openTemporaryDatabase } from "#shared/store/temporary-database.ts";
import { decodeCbor } from "#shared/wire/cbor.ts";
import { createMcp, type Mcp, mcpMigrations } from "../app.ts";
import type { ProbeTarget } from "../context.ts";

/** A control plane over a real store, with a node that a test plays. */
export interface TestPlatform extends AsyncDisposable {
  readonly mcp: Mcp;
  readonly database: Database;
  readonly operator: ContractClient<typeof mcpContract>;
  readonly admin: ContractClient<typeof mcpContract>;
  readonly node: ContractClient<typeof mcpContract>;
  clientFor(principal: Partial<Principal>): ContractClient<typeof mcpContract>;
  /** What the node should run of a service. */
  desired(service: string): Promise<DesiredService | undefined>;
  /** Keys of the routes of the node's proxy, with the instances behind them. */
  routes(): Promise<Record<string, string[]>>;
  /** A route of the node's proxy. */
  route(key: string): Promise<Route | undefined>;
  /** What a node's proxy has as its firewall. */
  firewall(node?: string): Promise<FirewallRules | undefined>;
  /** Names sent to MCNS last. */
  readonly names: () => string[];
  readonly grants: Map<string, readonly string[]>;
  report(instances: readonly InstanceReport[]): Promise<void>;
  /** The proxy applies all that is published. */
  applyRoutes(report?: Partial<ProxyReport>): Promise<void>;
  advanceClock(ms: number): void;
  /** Makes the next probes fail with this reason; `undefined` lets them pass. */
  failProbes(reason: string | undefined): void;
  readonly probed: ProbeTarget[];
}

/** A test platform with node `rift`, heard of already. */
export async function createTestPlatform(): Promise<TestPlatform> {
  const database = await openTemporaryDatabase(mcpMigrations);
  let nowMs = Date.parse("2026-01-01T00:00:00Z");
  let probeFailure: string | undefined;
  let counter = 0;
  const names = new Map<string, string[]>();
  const grants = new Map<string, readonly string[]>();
  const probed: ProbeTarget[] = [];
  const mcp = createMcp({
    database,
    log: silentLog,
    now: () => new Date(nowMs),
    newId: () => `id-${++counter}`,
    domain: "test",
    proxy: { port: 18443, aliasPorts: [443, 8443] },
    platform: { node: "rift", systems: ["mcr"], address: "127.0.0.1", port: 8440 },
    validator: { validateToken: async (token) => JSON.parse(atob(token)) },
    mcns: {
      putDerived: async ({ params, body }) => {
        names.set(params.zone, body.records.map(({ name }) => name));
        return { changed: true, serial: 1 };
      },
    },
    metacrypt: {
      putGrant: async ({ params, body }) => void grants.set(`${params.account}/${params.owner}`, body.names),
    },
    resolveImage: async (_repository, tag) => (tag === "v9.9.9" ? undefined : `sha256:${"ab".repeat(32)}`),
    probeRoute: async (target) => {
      probed.push(target);
      if (probeFailure !== undefined) throw new PlatformError("upstream-failed", probeFailure);
    },
  });
  await mcp.prepare();
  const clientFor = (principal: Partial<Principal>) =>
    createClient(mcpContract, { fetch: mcp.app.fetch, baseUrl: "http://mcp", token: () => toToken(principal) });
  const node = clientFor({ username: "rift", kind: "node", roles: [] });
  await node.heartbeat({ params: { node: "rift" }, body: { address: "127.0.0.1", version: "1" } });
  return {
    mcp,
    database,
    clientFor,
    operator: clientFor({ roles: ["user"] }),
    admin: clientFor({ roles: ["admin"], username: "root" }),
    node,
    names: () => [...names.values()].flat(),
    grants,
    probed,
    desired: async (service) => {
      const { entries } = await readFrame(database, "node/rift", 0);
      const value = entries.find(([key]) => key === `service/${service}`)?.[1];
      return value ? DesiredServiceSchema.parse(decodeCbor(value)) : undefined;
    },
    routes: async () => {
      const { entries } = await readFrame(database, "routes/rift", 0);
      return Object.fromEntries(
        entries.flatMap(([key, value]) =>
          value ? [[key, Route.parse(decodeCbor(value)).backends.map(({ instance }) => instance)]] : []
        ),
      );
    },
    route: async (key) => {
      const value = await readValue(database, "routes/rift", key);
      return value === undefined ? undefined : Route.parse(value);
    },
    firewall: async (name = "rift") => {
      const value = await readValue(database, `firewall/${name}`, "rules");
      return value === undefined ? undefined : FirewallRules.parse(value);
    },
    report: async (instances) => {
      await node.reportNode({ params: { node: "rift" }, body: { appliedRevision: 1, instances: [...instances] } });
    },
    applyRoutes: async (report = {}) => {
      const appliedRevision = await readRevision(database, "routes/rift");
      const body = { appliedRevision, problems: {}, draining: {}, ...report };
      await node.reportProxy({ params: { node: "rift" }, body });
    },
    advanceClock: (ms) => void (nowMs += ms),
    failProbes: (reason) => void (probeFailure = reason),
    async [Symbol.asyncDispose]() {
      await mcp[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

async function readValue(database: Database, topic: string, key: string): Promise<unknown> {
  const { entries } = await readFrame(database, topic, 0);
  const value = entries.find(([name]) => name === key)?.[1];
  return value ? decodeCbor(value) : undefined;
}

function toToken(principal: Partial<Principal>): string {
  return btoa(JSON.stringify({
    accountId: "a",
    username: "alice",
    kind: "human",
    roles: [],
    tokenId: "t",
    audience: ["metacircular"],
    expiresAt: "2030-01-01T00:00:00Z",
    ...principal,
  }));
}

/** A one-component L7 service. */
export function webDefinition(version = "v1.0.0", extra: Record<string, unknown> = {}): ServiceDefinition {
  return ServiceDefinition.parse({
    name: "hello",
    node: "rift",
    components: [{
      name: "web",
      image: `mcr.svc.test:8443/hello:${version}`,
      env: [`V=${version}`],
      routes: [{ port: 8443, mode: "l7" }],
    }],
    ...extra,
  });
}

/** What the agent would report of a desired service's first component. */
export function instanceOf(desired: DesiredService | undefined, change: Partial<InstanceReport> = {}): InstanceReport {
  const [component] = desired?.components ?? [];
  if (desired === undefined || component === undefined) throw new TypeError("nothing is desired");
  return {
    instance: `i-${component.specHash.slice(0, 6)}`,
    service: desired.service,
    component: component.name,
    revision: desired.revision,
    specHash: component.specHash,
    deploymentId: desired.deploymentId,
    state: "healthy",
    image: component.image,
    ports: Object.fromEntries(component.routes.map((route, index) => [route.name ?? "", 20_000 + index])),
    startedAt: "2026-01-01T00:00:01Z",
    ...change,
  };
}
