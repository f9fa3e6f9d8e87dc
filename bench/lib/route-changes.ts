import process from "node:process";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import { type BenchControlPlane, startControlPlane } from "./control-plane.ts";
import { benchHost, countHttpLoad, type HttpOutcome } from "./h2load.ts";
import { toSnapshot } from "./keep-feed-state.ts";
import type { BenchOptions } from "./options.ts";
import { manyRoutes, otherRoute, routeKeyOf, startOurProxy, toEntries, toRoute } from "./our-proxy.ts";
import { findBenchPort } from "./processes.ts";
import type { ProxyStand } from "./proxy-stand.ts";
import { type Figures, median, toThreeDigits } from "./result.ts";
import { scaleOf } from "./scale.ts";
import type { ProgramRun } from "./start-our-program.ts";

/** Where and how a part of the benchmark runs. */
export interface Setting {
  readonly stand: ProxyStand;
  readonly run: ProgramRun;
  readonly options: BenchOptions;
}

/** How many routes there are and how fast they change. */
export interface Changes {
  readonly count: number;
  readonly perSecond: number;
}

interface Phase {
  readonly kept: HttpOutcome;
  readonly failed: number;
}

interface Round {
  readonly quiet: Phase;
  readonly changing: Phase;
  /** How long after the last change all of them were applied. */
  readonly lagMs: number;
}

/** Requests for one route in quiet, and while routes change; that route too, between two ports of its backend. */
export async function measureChanges({ stand, run, options }: Setting, changes: Changes): Promise<Figures> {
  const port = await findBenchPort();
  const routes = manyRoutes(stand, port, changes.count);
  await using controlPlane = await startControlPlane(toSnapshot(toEntries(routes)), stand.folder);
  await using ours = await openOurs();
  await waitForApplied(controlPlane);
  const rounds: Round[] = [];
  for (let round = 0; round <= options.rounds; round++) {
    const quiet = await loadOnce(port, options);
    const stopChanging = startChanging(controlPlane, toChange(stand, port, changes), changes.perSecond);
    const changing = await loadOnce(port, options);
    stopChanging();
    const endedAtMs = performance.now();
    await waitForApplied(controlPlane);
    rounds.push({ quiet, changing, lagMs: performance.now() - endedAtMs });
    tell({ quiet, changing, lagMs: performance.now() - endedAtMs });
  }
  return toFigures(rounds, await ours.server.residentMegabytes());

  async function openOurs() {
    const proxy = await startOurProxy(stand, {
      port,
      routes,
      run,
      controlPlane: controlPlane.config,
      name: "changing",
    });
    return { ...proxy, [Symbol.asyncDispose]: () => proxy.server[Symbol.asyncDispose]() };
  }
}

/** Kept connections for as long as a run takes, and then new ones. */
async function loadOnce(port: number, options: BenchOptions): Promise<Phase> {
  const { seconds, newConnections } = scaleOf(options);
  const kept = await countHttpLoad({ port, path: "/1k", connections: 64, amount: { seconds } });
  const amount = { requests: newConnections };
  const opened = await countHttpLoad({ port, path: "/1k", connections: 16, amount, closes: true });
  return { kept, failed: kept.failed + opened.failed };
}

/** Publishes one change after the other; a tick that comes late makes up for those that were missed. */
function startChanging(controlPlane: BenchControlPlane, change: Change, perSecond: number): () => void {
  const startedAtMs = performance.now();
  let published = 0;
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startedAtMs) / 1000) * perSecond);
    for (; published < due; published++) change(controlPlane, published);
  }, 1000 / perSecond);
  return () => clearInterval(timer);
}

type Change = (controlPlane: BenchControlPlane, index: number) => void;

/** Every tenth change moves the route under load to the other port of its backend, the rest go through the others. */
function toChange(stand: ProxyStand, port: number, { count }: Changes): Change {
  return (controlPlane, index) => {
    const isFirstPort = controlPlane.revision % 2 === 0;
    if (index % 10 === 0) {
      const backendPort = isFirstPort ? stand.httpPort : stand.otherHttpPort;
      const route = toRoute(benchHost, port, { mode: "l7", backendPort });
      return controlPlane.publish(routeKeyOf(route), route);
    }
    const route = otherRoute(stand, port, controlPlane.revision % (count - 1));
    controlPlane.publish(routeKeyOf(route), { ...route, component: `v${controlPlane.revision}` });
  };
}

async function waitForApplied(controlPlane: BenchControlPlane): Promise<void> {
  await waitUntil(() => controlPlane.appliedRevision >= controlPlane.revision ? true : undefined, {
    action: `see revision ${controlPlane.revision} applied`,
    timeoutMs: 300_000,
    intervalMs: 5,
  });
}

function tell({ quiet, changing, lagMs }: Round): void {
  const toText = ({ kept }: Phase) => `${Math.round(kept.unitsPerSecond)} requests/s, p99 ${kept.p99Ms.toFixed(1)} ms`;
  const failed = quiet.failed + changing.failed;
  process.stderr.write(
    `quiet: ${toText(quiet)}; changing: ${toText(changing)}, ${failed} failed, all applied ${
      Math.round(lagMs)
    } ms later\n`,
  );
}

function toFigures(rounds: readonly Round[], residentMegabytes: number): Figures {
  const measured = rounds.slice(1);
  const medianOf = (pick: (round: Round) => number) => toThreeDigits(median(measured.map(pick)));
  return {
    // The round that warms up counts here: no request may fail.
    failedRequests: rounds.reduce((sum, { quiet, changing }) => sum + quiet.failed + changing.failed, 0),
    quietP99Ms: medianOf(({ quiet }) => quiet.kept.p99Ms),
    changingP99Ms: medianOf(({ changing }) => changing.kept.p99Ms),
    p99Growth: medianOf(({ quiet, changing }) => changing.kept.p99Ms / quiet.kept.p99Ms),
    quietRequestsPerSecond: medianOf(({ quiet }) => quiet.kept.unitsPerSecond),
    changingRequestsPerSecond: medianOf(({ changing }) => changing.kept.unitsPerSecond),
    appliedLagMs: medianOf(({ lagMs }) => lagMs),
    changingResidentMegabytes: residentMegabytes,
  };
}
