import { describeError } from "#shared/errors/platform-error.ts";
import { createBackoff } from "#shared/lifecycle/backoff.ts";
import { waitFor } from "#shared/lifecycle/wait.ts";
import type { ObservedInstance } from "./domain/observed-instance.ts";
import type { Probe } from "./probe.ts";

/** Health of a running instance. */
export interface Health {
  /** As in reports. */
  readonly health: ObservedInstance["health"];
  /** Why it is not healthy. */
  readonly reason: string | undefined;
}

/** What happens to a watched instance. */
export interface HealthEvents {
  /** It is healthy, again or for the first time. */
  onHealthy(instance: ObservedInstance): void;
  /** It was healthy, and stayed so for a while: its restart backoff may start again. */
  onSteady(instance: ObservedInstance): void;
  /** It was healthy, and is not. */
  onUnhealthy(instance: ObservedInstance, reason: string): void;
  /** It did not become healthy within its time. */
  onTimeout(instance: ObservedInstance, reason: string): void;
}

/** How often is asked; the defaults are the platform's. */
export interface HealthTimings {
  /** First wait between tries of a starting instance. */
  readonly minRetryMs: number;
  /** Longest wait between those. */
  readonly maxRetryMs: number;
  /** Wait between probes of a healthy instance. */
  readonly intervalMs: number;
}

/** The platform's timings: 100 ms growing to 1 s until healthy, then every 10 s. */
export const defaultHealthTimings: HealthTimings = { minRetryMs: 100, maxRetryMs: 1_000, intervalMs: 10_000 };

/** Watches the health of running instances. */
export interface HealthWatch {
  /** Watches exactly these; one that was started again is watched anew. */
  watch(instances: readonly ObservedInstance[]): void;
  /** Health as last seen; `undefined` for what is not watched. */
  healthOf(containerId: string): Health | undefined;
  /** Forgets what was seen of a container that is about to stop or start. */
  forget(containerId: string): void;
  /** Ends all watching. */
  stop(): void;
}

interface Watched {
  readonly run: string;
  readonly controller: AbortController;
  health: ObservedInstance["health"];
  reason: string | undefined;
}

/** Two bad probes in a row make an instance unhealthy: one may be chance. */
const badProbesUntilUnhealthy = 2;

/** A watch that asks through `probe` and tells `events`. */
export function createHealthWatch(
  options: { probe: Probe; events: HealthEvents; timings?: HealthTimings },
): HealthWatch {
  const watched = new Map<string, Watched>();
  const timings = options.timings ?? defaultHealthTimings;
  // A probe that fails to ask has no answer either: one odd component must not end the agent, and with it the care for all others.
  const probe: Probe = (target, signal) => options.probe(target, signal).catch(describeError);
  const context = { ...options, probe, timings };
  function forget(containerId: string): void {
    watched.get(containerId)?.controller.abort();
    watched.delete(containerId);
  }
  return {
    watch(instances) {
      const wanted = new Map(instances.map((instance) => [instance.containerId, instance]));
      for (const [id, entry] of watched) {
        const instance = wanted.get(id);
        if (instance === undefined || entry.run !== (instance.startedAt ?? "")) forget(id);
      }
      for (const [id, instance] of wanted) {
        if (watched.has(id)) continue;
        const entry: Watched = {
          run: instance.startedAt ?? "",
          controller: new AbortController(),
          health: instance.health === "healthy" ? "healthy" : "starting",
          reason: undefined,
        };
        watched.set(id, entry);
        void follow(instance, entry, context);
      }
    },
    healthOf: (containerId) => watched.get(containerId),
    forget,
    stop() {
      for (const id of watched.keys()) forget(id);
    },
  };
}

interface FollowContext {
  readonly probe: Probe;
  readonly events: HealthEvents;
  readonly timings: HealthTimings;
}

async function follow(instance: ObservedInstance, entry: Watched, context: FollowContext): Promise<void> {
  const { signal } = entry.controller;
  if (entry.health !== "healthy" && !await becomeHealthy(instance, entry, context)) return;
  let badProbes = 0;
  while (!signal.aborted) {
    const reason = await context.probe(instance, signal);
    if (signal.aborted) return;
    badProbes = reason === undefined ? 0 : badProbes + 1;
    noteProbe(instance, entry, { reason, badProbes, events: context.events });
    const { intervalMs, maxRetryMs } = context.timings;
    await waitFor(badProbes === 1 ? Math.min(maxRetryMs, intervalMs) : intervalMs, signal);
    if (badProbes === 0 && !signal.aborted) context.events.onSteady(instance);
  }
}

function noteProbe(
  instance: ObservedInstance,
  entry: Watched,
  result: { reason: string | undefined; badProbes: number; events: HealthEvents },
): void {
  if (result.reason === undefined && entry.health !== "healthy") {
    entry.health = "healthy";
    entry.reason = undefined;
    result.events.onHealthy(instance);
  }
  if (result.reason === undefined || result.badProbes < badProbesUntilUnhealthy) return;
  const isNews = entry.health !== "unhealthy";
  entry.health = "unhealthy";
  entry.reason = result.reason;
  if (isNews) result.events.onUnhealthy(instance, result.reason);
}

/** Asks until healthy; after the declared time it says so once, and goes on asking. */
async function becomeHealthy(instance: ObservedInstance, entry: Watched, context: FollowContext): Promise<boolean> {
  const { signal } = entry.controller;
  const timeoutSeconds = instance.healthCheck.timeoutSeconds;
  const deadline = performance.now() + timeoutSeconds * 1000;
  const backoff = createBackoff({
    minMs: context.timings.minRetryMs,
    maxMs: context.timings.maxRetryMs,
    random: () => 0,
  });
  let isLate = false;
  for (;;) {
    const reason = await context.probe(instance, signal);
    if (signal.aborted) return false;
    if (reason === undefined) break;
    if (!isLate && performance.now() >= deadline) {
      isLate = true;
      entry.health = "unhealthy";
      entry.reason = `it was not healthy within ${timeoutSeconds} s: ${reason}`;
      context.events.onTimeout(instance, entry.reason);
    }
    await waitFor(Math.max(1, Math.min(backoff.next(), isLate ? Infinity : deadline - performance.now())), signal);
  }
  entry.health = "healthy";
  entry.reason = undefined;
  context.events.onHealthy(instance);
  return true;
}
