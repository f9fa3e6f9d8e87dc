import { randomUUID } from "node:crypto";
import { createClient } from "#shared/contract/client.ts";
import { mcnsContract } from "#shared/contract/mcns.ts";
import { mcrContract } from "#shared/contract/mcr.ts";
import { metacryptContract } from "#shared/contract/metacrypt.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { runLoop } from "#shared/lifecycle/run-loop.ts";
import { waitFor } from "#shared/lifecycle/wait.ts";
import type { Log } from "#shared/log/log.ts";
import type { Database } from "#shared/store/database.ts";
import { openMcpIdentity } from "./bootstrap-platform.ts";
import type { HttpMetrics } from "./http-metrics.ts";
import { createMcp, mcpMigrations } from "./mcp/app.ts";
import { createProbeRoute } from "./mcp/probe-route.ts";
import { listNodes } from "./mcp/store/nodes.ts";
import { systemNames } from "./path-table.ts";
import type { ServerConfig } from "./server-config.ts";
import type { Systems } from "./systems.ts";

/** What {@link addControlPlane} needs. */
export interface ControlPlaneOptions {
  readonly config: ServerConfig;
  readonly systems: Systems;
  /** Where the systems of this server listen: the backend of their own routes. */
  readonly backend: { readonly address: string; readonly port: number };
  readonly metrics: HttpMetrics;
  readonly log: Log;
  readonly now: () => Date;
}

/** How often the control plane looks at what only time changes. */
const tickMs = 1_000;

/** Adds MCP to the systems: its clients are the other systems' own apps, or their peers. Disposal ends its clock. */
export async function addControlPlane(options: ControlPlaneOptions): Promise<AsyncDisposable> {
  const { config, systems, backend, log, now } = options;
  const { token } = await openMcpIdentity(config, systems, now);
  const metacrypt = createClient(metacryptContract, { ...systems.clientOf("metacrypt"), token });
  const mcr = createClient(mcrContract, { ...systems.clientOf("mcr"), token });
  const { node, proxy, dnsServer } = config;
  const database = await systems.openDatabase("mcp", mcpMigrations);
  const mcp = createMcp({
    database,
    validator: systems.validator,
    log: log.child({ system: "mcp" }),
    now,
    newId: randomUUID,
    domain: config.domain,
    proxy,
    ...(node === undefined ? {} : { platform: { node: node.name, systems: systemNames, ...backend } }),
    mcns: createClient(mcnsContract, { ...systems.clientOf("mcns"), token }),
    metacrypt,
    resolveImage: (repository, tag) => findDigest(mcr.resolveImage({ query: { reference: `${repository}:${tag}` } })),
    probeRoute: createProbeRoute({
      proxy,
      ...(dnsServer === undefined ? {} : { dns: { server: dnsServer, domain: config.domain } }),
      ca: async () => await (await metacrypt.caCertificate({})).text(),
    }),
  });
  systems.add("mcp", mcp.app, mcp);
  await mcp.prepare();
  options.metrics.addGauge({
    name: "metacircular_node_silent_seconds",
    help: "Seconds since a node was last heard of",
    label: "node",
    read: () => readSilence(database, now()),
  });
  const stopping = new AbortController();
  const clock = runLoop(async (signal) => {
    await mcp.tick();
    await waitFor(tickMs, signal);
  }, { name: "control plane clock", log, signal: stopping.signal });
  return {
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await clock;
    },
  };
}

async function readSilence(database: Database, now: Date): Promise<ReadonlyMap<string, number>> {
  const heard = (await listNodes(database)).filter(({ address }) => address !== "");
  return new Map(heard.map(({ name, last_seen_at: at }) => [name, (now.getTime() - Date.parse(at)) / 1000]));
}

/** The digest of an image, or `undefined` when the registry does not have it. */
async function findDigest(resolving: Promise<{ readonly digest: string }>): Promise<string | undefined> {
  try {
    return (await resolving).digest;
  } catch (error) {
    if (error instanceof PlatformError && error.code === "image-not-found") return undefined;
    throw error;
  }
}
