import type { FirewallRules } from "#shared/contract/firewall.ts";
import { createBackoff } from "#shared/lifecycle/backoff.ts";
import { waitFor } from "#shared/lifecycle/wait.ts";
import type { LogLevel } from "#shared/log/log.ts";
import type { Challenge } from "../acme/challenge.ts";
import type { DataPlane, DataPlaneOptions, DataPlaneSettings, PlaneFacts } from "../data-plane.ts";
import type { PortState } from "../extra-ports.ts";
import { attachCounterTable } from "../firewall/counter-table.ts";
import type { RuleHits } from "../firewall/hit-counters.ts";
import { createRouteTable, type RouteTable } from "../routes.ts";
import type { TlsMaterial } from "../tls/host-servers.ts";
import type { ToWorker } from "./messages.ts";
import { startWorker, type WorkerThread } from "./worker-thread.ts";

/** What every worker knows, so that a new one can be told it. */
interface Shared {
  table: RouteTable;
  readonly certificates: Map<string, TlsMaterial>;
  readonly challenges: Set<Challenge>;
  roots: string | undefined;
  rules: FirewallRules | undefined;
  level: LogLevel | undefined;
}

/** What {@link openWorkerPlane} may be told. */
export interface WorkerPlaneOptions {
  /** MaxMind database that knows the country of an address. */
  readonly countryFile?: string;
  /** Starts a worker. */
  readonly start?: typeof startWorker;
}

/**
 * Opens a data plane of several workers, each a thread with listeners of its own on the same ports (SO_REUSEPORT), so that the kernel
 * spreads connections. A worker that dies is started again and told everything; the others serve on meanwhile.
 *
 * @throws {PlatformError} conflict — when the main port cannot be opened
 */
export async function openWorkerPlane(
  options: DataPlaneOptions,
  count: number,
  { countryFile, start: startThread = startWorker }: WorkerPlaneOptions = {},
): Promise<DataPlane> {
  const { metrics, log } = options;
  const threads = new Map<number, WorkerThread>();
  const stop = new AbortController();
  const shared: Shared = {
    table: createRouteTable({ port: options.port, aliasPorts: options.aliasPorts }),
    certificates: new Map(),
    challenges: new Set(),
    roots: undefined,
    rules: undefined,
    level: options.logLevel,
  };
  const country = countryFile === undefined ? {} : { countryFile };

  async function start(index: number, port: number): Promise<number> {
    const settings: DataPlaneSettings = { ...toSettings(options), port, worker: index, reusePort: true };
    const thread = await startThread({ settings, ...country }, {
      onState: options.onChange,
      onEnd(error) {
        threads.delete(index);
        for (const buffer of [options.counters.connections, options.counters.requests]) {
          attachCounterTable(buffer, index).forgetWorker(index);
        }
        if (stop.signal.aborted) return;
        log.error("a worker died and is started again", { worker: index, error });
        metrics.count("mc_proxy_worker_restarts_total");
        options.onChange("ports");
        void keepStarting(index, port);
      },
    });
    if (stop.signal.aborted) {
      await thread.end();
      return port;
    }
    threads.set(index, thread);
    tellAll(thread, shared);
    return thread.state().port;
  }

  async function keepStarting(index: number, port: number): Promise<void> {
    const backoff = createBackoff({ minMs: 100, maxMs: 10_000 });
    while (!stop.signal.aborted) {
      try {
        await start(index, port);
        return options.onChange("ports");
      } catch (error) {
        const retryInMs = backoff.next();
        log.error("cannot start a worker, trying again", { worker: index, error, retryInMs });
        await waitFor(retryInMs, stop.signal);
      }
    }
  }

  const port = await start(0, options.port);
  const table = createRouteTable({ port, aliasPorts: options.aliasPorts }, options.staticRoutes);
  shared.table = table;
  for (let index = 1; index < count; index += 1) await start(index, port);
  return createPlane({ port, table, threads, shared, options, stop });
}

interface PlaneParts {
  readonly port: number;
  readonly table: DataPlane["table"];
  readonly threads: ReadonlyMap<number, WorkerThread>;
  readonly shared: Shared;
  readonly options: DataPlaneOptions;
  readonly stop: AbortController;
}

function createPlane({ port, table, threads, shared, options, stop }: PlaneParts): DataPlane {
  const tell = (message: Parameters<WorkerThread["tell"]>[0]) => {
    for (const thread of threads.values()) thread.tell(message);
  };
  const ask = async (question: Parameters<WorkerThread["ask"]>[0]) =>
    await Promise.all([...threads.values()].map((thread) => thread.ask(question)));
  const states = () => [...threads.values()].map((thread) => thread.state());
  return {
    port,
    table,
    apply(changes) {
      const applied = table.apply(changes);
      tell({ kind: "apply", changes });
      for (const key of applied.gone) options.metrics.forget(key);
      return applied;
    },
    certificate(hostname, material) {
      // Only what TLS needs: the rest of a certificate may be an object that cannot be sent.
      const plain = material && { chainPem: material.chainPem, keyPem: material.keyPem };
      if (plain === undefined) shared.certificates.delete(hostname);
      else shared.certificates.set(hostname, plain);
      tell({ kind: "certificate", hostname, material: plain });
    },
    async challenge(step, challenge) {
      if (step === "present") shared.challenges.add(challenge);
      else shared.challenges.delete(challenge);
      await ask({ what: "challenge", step, challenge });
    },
    firewall(rules) {
      shared.rules = rules;
      tell({ kind: "firewall", rules });
    },
    roots(pem) {
      shared.roots = pem;
      tell({ kind: "roots", pem });
    },
    logLevel(level) {
      shared.level = level;
      tell({ kind: "log-level", level });
    },
    portState: (extra) => worst(states().map(({ extraPorts }) => extraPorts.get(extra) ?? "opening")),
    ports: () => [...new Set(states().flatMap(({ ports }) => ports))],
    draining: () => sum(states().map(({ draining }) => draining)),
    workers: () => threads.size,
    facts: async () => joinFacts((await ask({ what: "facts" })).flatMap(({ facts }) => facts ?? [])),
    otherSamples: async () => (await ask({ what: "samples" })).flatMap(({ samples }) => samples ?? []),
    async drain() {
      stop.abort();
      await ask({ what: "drain" });
      await Promise.all([...threads.values()].map((thread) => thread.end()));
    },
  };
}

/** Tells a new worker everything that the others know. */
function tellAll(thread: WorkerThread, { table, certificates, challenges, roots, rules, level }: Shared): void {
  const messages: ToWorker[] = [
    ...(level === undefined ? [] : [{ kind: "log-level" as const, level }]),
    ...(roots === undefined ? [] : [{ kind: "roots" as const, pem: roots }]),
    ...(rules === undefined ? [] : [{ kind: "firewall" as const, rules }]),
    ...[...certificates].map(([hostname, material]) => ({ kind: "certificate" as const, hostname, material })),
  ];
  for (const message of messages) if (message.kind !== "ask") thread.tell(message);
  const set = [...table.routes()].filter(({ origin }) => origin !== "static");
  thread.tell({ kind: "apply", changes: { isWhole: true, set, removed: [] } });
  for (const challenge of challenges) void thread.ask({ what: "challenge", step: "present", challenge });
}

/** The settings without what cannot be sent to a thread. */
function toSettings(
  { metrics: _metrics, log: _log, onChange: _onChange, countryOf: _countryOf, ...settings }: DataPlaneOptions,
): DataPlaneSettings {
  return settings;
}

/** A port serves when it is open in every worker. */
function worst(states: readonly PortState[]): PortState {
  return states.find((state) => typeof state === "object") ?? (states.includes("opening") ? "opening" : "open");
}

function sum(parts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const total = new Map<string, number>();
  for (const part of parts) {
    for (const [key, value] of Object.entries(part)) total.set(key, (total.get(key) ?? 0) + value);
  }
  return Object.fromEntries(total);
}

function joinFacts(parts: readonly PlaneFacts[]): PlaneFacts {
  const hits = new Map<string, RuleHits>();
  for (const { rule, refused, shadowed } of parts.flatMap(({ firewallHits }) => firewallHits)) {
    const old = hits.get(rule);
    hits.set(rule, { rule, refused: refused + (old?.refused ?? 0), shadowed: shadowed + (old?.shadowed ?? 0) });
  }
  return {
    openConnections: parts.reduce((total, { openConnections }) => total + openConnections, 0),
    instancesAside: Object.assign({}, ...parts.map(({ instancesAside }) => instancesAside)),
    attachments: parts.flatMap(({ attachments }) => attachments),
    firewallHits: [...hits.values()],
  };
}
