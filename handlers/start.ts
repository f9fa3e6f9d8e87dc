import type { Fetch } from "#shared/contract/client.ts";
import { runLoop } from "#shared/lifecycle/run-loop.ts";
import type { Running } from "#shared/lifecycle/run-program.ts";
import { waitFor } from "#shared/lifecycle/wait.ts";
import type { Log } from "#shared/log/log.ts";
import { bootstrapPlatform, statePathsOf } from "./bootstrap-platform.ts";
import { composeSystems } from "./compose.ts";
import { addControlPlane } from "./control-plane.ts";
import { createHttpMetrics } from "./http-metrics.ts";
import { listenHttp } from "./http-server.ts";
import { loadMasterKey } from "./master-key.ts";
import { type SystemName, systemNames } from "./path-table.ts";
import type { ServerConfig } from "./server-config.ts";
import { openSystems } from "./systems.ts";

/** What {@link startServer} takes besides its configuration. */
export interface StartServerDependencies {
  readonly log: Log;
  /** Release of this program. */
  readonly version: string;
  /** The systems to run; all unless given. */
  readonly only?: readonly SystemName[];
  /** Value of `$MASTER_KEY`: base64 of 32 bytes. */
  readonly masterKey?: string;
  /** The clock; the system's unless given. */
  readonly now?: () => Date;
  /** Reaches systems of other servers; the runtime's own `fetch` unless given. */
  readonly fetch?: Fetch;
}

/** A running server of the control plane. */
export interface RunningServer extends Running {
  readonly ready: { readonly api: string; readonly systems: readonly SystemName[] };
}

const sweepEveryMs = 3_600_000;

/**
 * Starts a server: databases are opened and migrated, what a platform needs at first boot is made, then it serves.
 *
 * @throws {PlatformError} invalid-config, conflict, unavailable, sealed — with what cannot be used
 */
export async function startServer(config: ServerConfig, deps: StartServerDependencies): Promise<RunningServer> {
  const { log, only = systemNames, now = () => new Date() } = deps;
  const stack = new AsyncDisposableStack();
  try {
    const paths = statePathsOf(config.stateFolder);
    const masterKey = await loadMasterKey({ variable: deps.masterKey, path: paths.masterKey });
    const server = stack.use(await listenHttp(config.listen));
    const fetchElsewhere: Fetch = deps.fetch ?? ((request) => fetch(request));
    const systems = stack.use(await openSystems({ config, only, masterKey, log, now, fetch: fetchElsewhere }));
    const metrics = createHttpMetrics();
    await bootstrapPlatform(config, systems);
    if (only.includes("mcp")) {
      const backend = { address: server.host, port: server.port };
      stack.use(await addControlPlane({ config, systems, backend, metrics, log, now }));
    }
    if (systems.sweep !== undefined) stack.use(sweepNowAndThen(systems.sweep, log));
    const app = composeSystems({
      domain: config.domain,
      systems: systems.fetches,
      peers: config.peers,
      probes: systems.probes,
      metrics,
      version: deps.version,
    });
    server.handle((request, env) => app.fetch(request, typeof env === "object" && env !== null ? env : {}));
    stack.defer(() => server.close());
    log.info("the server serves", { api: server.origin, systems: only });
    return { ready: { api: server.origin, systems: only }, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

function sweepNowAndThen(sweep: () => Promise<unknown>, log: Log): AsyncDisposable {
  const stopping = new AbortController();
  const loop = runLoop(async (signal) => {
    await sweep();
    await waitFor(sweepEveryMs, signal);
  }, { name: "registry sweep", log, signal: stopping.signal });
  return {
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await loop;
    },
  };
}
