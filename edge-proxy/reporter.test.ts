import assert from "node:assert/strict";
import { test } from "node:test";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import { silentLog } from "#shared/log/log.ts";
import { startReporter } from "./reporter.ts";

test("startReporter() tries again, the newest wins, and equal reports are sent once", { timeout: 10_000 }, async () => {
  const stop = new AbortController();
  const sent: number[] = [];
  let failures = 2;
  const reporter = startReporter({
    send({ appliedRevision }) {
      if (failures-- > 0) return Promise.reject(new Error("down"));
      sent.push(appliedRevision);
      return Promise.resolve();
    },
    log: silentLog,
    signal: stop.signal,
  });
  const report = (appliedRevision: number) => reporter.update({ appliedRevision, problems: {}, draining: {} });
  report(1);
  report(2);
  report(3);
  await waitUntil(() => sent.length > 0 || undefined, { action: "see a report", timeoutMs: 5_000 });
  report(3);
  report(4);
  await waitUntil(() => sent.length > 1 || undefined, { action: "see a report", timeoutMs: 5_000 });
  assert.deepEqual(sent, [3, 4]);
  stop.abort();
  await reporter.done;
});
