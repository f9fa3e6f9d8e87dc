import { randomBytes } from "node:crypto";
import type { Route } from "#shared/contract/route.ts";
import type { ProxyReport } from "#shared/contract/state.ts";
import type { CertificateState } from "./certificates/certificate-keeper.ts";
import { type Control, type ControlOptions, createControl } from "./control.ts";
import type { DataPlane, DataPlaneOptions, DataPlaneSettings } from "./data-plane.ts";
import { openDataPlane } from "./open-data-plane.ts";
import { createCounterBuffer } from "./firewall/counter-table.ts";
import { defaultLimits, type ProxyLimits } from "./limits.ts";
import { mergeSamples, renderSamples } from "./metrics/samples.ts";
import type { RouteChanges, RouteTable } from "./routes.ts";

/** What {@link openProxy} needs. */
export interface ProxyOptions extends ControlOptions, Pick<DataPlaneSettings, "port" | "aliasPorts"> {
  /** What differs from the defaults of the rest. */
  readonly settings?: Partial<Omit<DataPlaneSettings, "limits">>;
  /** Bounds that differ from {@link defaultLimits}. */
  readonly limits?: Partial<ProxyLimits>;
  /** Country of an address, for the firewall. */
  readonly countryOf?: (address: string) => string | undefined;
  /** Opens the data plane: in this thread unless given. */
  readonly openPlane?: (options: DataPlaneOptions) => Promise<DataPlane>;
}

/** A proxy that accepts connections. */
export interface Proxy extends AsyncDisposable {
  /** The main port. */
  readonly port: number;
  /** What moves its bytes. */
  readonly plane: DataPlane;
  /** The routes. */
  readonly table: () => RouteTable;
  /** Routes connections and requests by `routes` from now on; what is under way goes on. */
  apply(routes: readonly Route[], revision: number): void;
  /** The same for a step from one revision to the next. */
  applyChanges(changes: RouteChanges, revision: number): void;
  /** Whether routes of the control plane, kept or new, were applied. */
  isReady(): boolean;
  /** What is known of the certificate of an L7 name. */
  certificate(hostname: string): CertificateState;
  /** What it would report now. */
  currentReport(): ProxyReport;
  /** Reports again if there is something new to say. */
  publish(): void;
  /** Everything that was counted, in the Prometheus text format. */
  renderMetrics(): Promise<string>;
  /** Stops accepting, lets requests and connections in flight end within the drain time, then cuts the rest. Idempotent. */
  [Symbol.asyncDispose](): Promise<void>;
}

const defaultSettings: Omit<
  DataPlaneSettings,
  "address" | "port" | "aliasPorts" | "limits" | "ticketSecret" | "counters"
> = {
  staticRoutes: [],
  inheritedFds: [],
  reusePort: false,
  proxyProtocolPorts: [],
  trustedProxies: [],
  refuseWith: "alert",
  accessLog: "all",
  worker: 0,
};

/** Clients that are remembered at the same time, 64 bytes each. */
const trackedClients = 65_536;

/**
 * Opens the proxy with its static routes only.
 *
 * @throws {PlatformError} conflict — when the main port cannot be opened
 */
export async function openProxy(options: ProxyOptions): Promise<Proxy> {
  const { metrics, log } = options;
  const { openPlane = openDataPlane, settings } = options;
  const parts: { control?: Control } = {};
  const plane = await openPlane({
    ...defaultSettings,
    ticketSecret: randomBytes(32),
    counters: {
      connections: createCounterBuffer({ entries: trackedClients, workers: 1 }),
      requests: createCounterBuffer({ entries: trackedClients, workers: 1 }),
    },
    ...settings,
    address: options.address,
    port: options.port,
    aliasPorts: options.aliasPorts,
    limits: { ...defaultLimits, ...options.limits },
    metrics,
    log,
    ...(options.countryOf === undefined ? {} : { countryOf: options.countryOf }),
    onChange: (what) => parts.control?.planeChanged(what),
  });
  const control = createControl(plane, options);
  parts.control = control;
  const { apply, keeper, currentReport, stop } = control;
  apply({ changed: [...plane.table.routes()], gone: [] }, 0);
  const stopRoots = followRoots(plane, options);
  let disposed: Promise<void> | undefined;

  function applyChanges(changes: RouteChanges, revision: number): void {
    apply(plane.apply(changes), revision);
    log[changes.isWhole ? "info" : "debug"]("routes applied", { revision, routes: plane.table.size });
  }

  return {
    port: plane.port,
    plane,
    table: () => plane.table,
    apply: (routes, revision) => applyChanges({ isWhole: true, set: routes, removed: [] }, revision),
    applyChanges,
    isReady: () => control.revision() !== 0,
    certificate: (hostname) => keeper.state(hostname),
    currentReport,
    publish: control.publish,
    renderMetrics: async () => renderSamples(mergeSamples([metrics.samples(), ...await plane.otherSamples()])),
    [Symbol.asyncDispose]: () =>
      disposed ??= (async () => {
        stop();
        stopRoots();
        await plane.drain();
        await keeper.stop();
      })(),
  };
}

/** How often the platform's roots are read again, in milliseconds. */
const rootsMs = 30_000;

/** Verifies instances against the roots as they are now. */
function followRoots(plane: DataPlane, { rootsPem, log }: ProxyOptions): () => void {
  if (rootsPem === undefined) return () => {};
  let last: string | undefined;
  const read = async () => {
    try {
      const pem = await rootsPem();
      if (pem !== undefined && pem !== last) plane.roots(pem);
      last = pem ?? last;
    } catch (error) {
      log.debug("the roots cannot be read", { error });
    }
  };
  void read();
  const timer = setInterval(read, rootsMs).unref();
  return () => clearInterval(timer);
}
