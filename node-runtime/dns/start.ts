import { readFile } from "node:fs/promises";
import { once } from "node:events";
import { networkInterfaces } from "node:os";
import { createClient, type Fetch } from "#shared/contract/client.ts";
import { mcnsContract } from "#shared/contract/mcns.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import type { Running } from "#shared/lifecycle/run-program.ts";
import type { Log } from "#shared/log/log.ts";
import { openMachineIdentity } from "#shared/mcdsl/machine-identity.ts";
import { serveAdmin } from "#shared/lifecycle/serve-admin.ts";
import { createAdmin } from "./admin.ts";
import type { ControlPlaneConfig, DnsConfig } from "./config.ts";
import { followZones } from "./follow-zones.ts";
import { createAddressCheck } from "./forward/client-networks.ts";
import { type EndpointAddress, endpointToText, parseResolvConf } from "./forward/endpoint-address.ts";
import { exchange } from "./forward/exchange.ts";
import { createForwarder, type Forwarder } from "./forward/forwarder.ts";
import { addGauge, createDnsMetrics, type DnsMetrics } from "./server/metrics.ts";
import { expandEndpoints, listAddresses } from "./server/listen-addresses.ts";
import { createResponder } from "./server/responder.ts";
import { startListeners } from "./server/start-listeners.ts";
import { createZoneTable, type ZoneTable } from "./zones/zone-table.ts";

/** What {@link startDns} takes besides its configuration. */
export interface StartDnsDependencies {
  readonly log: Log;
  /** Reaches the control plane; the runtime's own `fetch` unless given. */
  readonly fetch?: Fetch;
  /** Token for the control plane; from the enrolled identity unless given. */
  readonly token?: () => Promise<string>;
}

/** A running DNS server. */
export interface RunningDns extends Running {
  readonly ready: { readonly dns: readonly string[]; readonly admin?: string };
}

/**
 * Starts the server: kept zones are loaded first, so that its first answer is right with the control plane down.
 *
 * @throws {PlatformError} unavailable — when an address cannot be bound; invalid-config — when the configuration cannot be used
 */
export async function startDns(config: DnsConfig, deps: StartDnsDependencies): Promise<RunningDns> {
  const { log } = deps;
  const endpoints = expandEndpoints(config.listen, networkInterfaces());
  const zones = createZoneTable();
  const metrics = createDnsMetrics();
  const upstreams = config.upstreams ?? await readSystemUpstreams(endpoints);
  const forwarder = upstreams.length === 0
    ? undefined
    : createForwarder({ upstreams, exchange, log, nowMs: () => performance.now() });
  const responder = createResponder({
    zones,
    forwarder,
    mayForward: createAddressCheck(config.allowForward),
    metrics,
    log,
  });

  const stack = new AsyncDisposableStack();
  try {
    const stop = new AbortController();
    const feed = await followZones({
      zones,
      open: await createOpen(config.controlPlane, deps),
      statePath: config.statePath,
      log,
      signal: stop.signal,
    });
    stack.defer(async () => {
      stop.abort();
      await feed.done;
    });
    const revision = () => feed.state.revision;
    addGauges(metrics, { zones, forwarder, revision });
    const listeners = stack.use(await startListeners({ endpoints, responder, metrics }));
    const ready = { dns: listeners.endpoints.map(endpointToText) };
    log.info("dns serves", { ...ready, upstreams: upstreams.map(endpointToText), revision: revision() });
    if (config.adminListen === undefined) return { ready, [Symbol.asyncDispose]: () => stack.disposeAsync() };
    const admin = stack.use(await serveAdmin(createAdmin({ zones, forwarder, metrics, revision }), config.adminListen));
    return { ready: { ...ready, admin: admin.url }, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function createOpen(controlPlane: ControlPlaneConfig | undefined, deps: StartDnsDependencies) {
  const fetchOnce: Fetch = deps.fetch ?? ((request) => fetch(request));
  if (controlPlane === undefined) return waitForEver;
  const client = { fetch: fetchOnce, baseUrl: controlPlane.mciasUrl };
  const identity = { identityPath: controlPlane.identityPath, client, now: () => new Date() };
  const token = deps.token ?? (await openMachineIdentity(identity)).token;
  const mcns = createClient(mcnsContract, { fetch: fetchOnce, baseUrl: controlPlane.mcnsUrl, token });
  return (since: number, signal: AbortSignal) => mcns.zoneStream({ query: { since }, signal });
}

/** Without a control plane the kept zones are all there is. */
async function waitForEver(_since: number, signal: AbortSignal): Promise<Response> {
  if (!signal.aborted) await once(signal, "abort");
  throw new PlatformError("cancelled", "Cannot follow the zones: the server stops");
}

async function readSystemUpstreams(own: readonly EndpointAddress[]): Promise<EndpointAddress[]> {
  const text = await readFile("/etc/resolv.conf", "utf8").catch(() => "");
  const addresses = new Set([...own.map(({ address }) => address), ...listAddresses(networkInterfaces())]);
  const ports = new Set(own.map(({ port }) => port));
  return parseResolvConf(text, ({ address, port }) => addresses.has(address) && ports.has(port));
}

function addGauges(
  { registry }: DnsMetrics,
  sources: { readonly zones: ZoneTable; readonly forwarder: Forwarder | undefined; readonly revision: () => number },
): void {
  const { zones, forwarder, revision } = sources;
  addGauge(registry, { name: "dns_zones", help: "Zones served", read: () => zones.zones.size });
  addGauge(registry, { name: "dns_feed_revision", help: "Feed revision of the zones served", read: revision });
  if (forwarder === undefined) return;
  addGauge(registry, {
    name: "dns_cache_bytes",
    help: "Bytes in the forwarder's cache",
    read: () => forwarder.usage.cacheBytes,
  });
  addGauge(registry, {
    name: "dns_forward_open",
    help: "Upstream questions in flight",
    read: () => forwarder.usage.inFlight,
  });
}
