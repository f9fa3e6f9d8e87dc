import type { DataPlane, PlaneFacts } from "./data-plane.ts";

/** How often what changes all the time is looked at for the report, in milliseconds. */
const factsMs = 15_000;

/** Looks at a data plane again and again; `onChange` is called after each look. */
export function createFactsWatch(
  plane: DataPlane,
  onChange: () => void,
): { last(): PlaneFacts | undefined; stop(): void } {
  let facts: PlaneFacts | undefined;
  const timer = setInterval(async () => {
    facts = await plane.facts();
    onChange();
  }, factsMs).unref();
  return { last: () => facts, stop: () => clearInterval(timer) };
}

/** How long reports of one change wait for those of the next, in milliseconds. */
const gatherMs = 50;

/** Calls `report` soon after `publish`, once for many calls. */
export function createPublisher(report: () => void): { publish(): void; stop(): void } {
  let timer: NodeJS.Timeout | undefined;
  let lastMs = -Infinity;
  let isStopped = false;
  function run(): void {
    timer = undefined;
    lastMs = performance.now();
    if (!isStopped) report();
  }
  return {
    publish() {
      if (isStopped || timer !== undefined) return;
      const sinceMs = performance.now() - lastMs;
      timer = setTimeout(run, sinceMs > gatherMs ? 0 : gatherMs);
    },
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
