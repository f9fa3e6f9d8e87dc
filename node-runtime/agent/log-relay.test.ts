import assert from "node:assert/strict";
import { test } from "node:test";
import type { LogLine, LogRequest } from "#shared/contract/mcp.ts";
import { createNotifier } from "#shared/lifecycle/queue.ts";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import { silentLog } from "#shared/log/log.ts";
import type { ObservedInstance } from "./domain/observed-instance.ts";
import { createLogRelay } from "./log-relay.ts";
import { makeInstance } from "./testing/model.ts";

interface Sent {
  readonly lines: LogLine[];
  isDone: boolean;
}

function startRelay(instances: ObservedInstance[]) {
  const changes = createNotifier();
  const sent = new Map<string, Sent>();
  const opened: string[] = [];
  const relay = createLogRelay({
    podman: {
      async *streamLogs(id, options = {}) {
        opened.push(`${id} ${options.tail ?? "since"}`);
        yield { stream: "stdout", at: "2026-01-01T00:00:00Z", line: `line of ${id}` };
        const { signal } = options;
        if (options.follow && !signal?.aborted) {
          await new Promise((resolve) => signal?.addEventListener("abort", resolve));
        }
      },
    },
    async sendLogs(requestId, lines) {
      const entry: Sent = { lines: [], isDone: false };
      sent.set(requestId, entry);
      for await (const line of lines) entry.lines.push(line);
      entry.isDone = true;
    },
    observed: () => instances,
    changed: (signal) => changes.wait(signal),
    log: silentLog,
  });
  const until = (action: string, predicate: () => boolean | undefined) =>
    waitUntil(() => predicate() || undefined, { action, timeoutMs: 5_000, intervalMs: 2 });
  return { relay, sent, opened, changes, until };
}

const request = (more: Partial<LogRequest> = {}): LogRequest => ({
  requestId: "r1",
  service: "shop",
  tail: 5,
  follow: false,
  ...more,
});
const web = makeInstance();
const api = makeInstance({ component: "api", instance: "two", containerName: "shop-api-two" });
const other = makeInstance({ service: "blog", instance: "three" });

test("createLogRelay() sends the lines of all instances of a service, once", async () => {
  const { relay, sent, opened, until } = startRelay([web, api, other]);
  await using _relay = relay;
  relay.apply([request()]);
  await until("see it done", () => sent.get("r1")?.isDone);
  relay.apply([request()]);
  assert.deepEqual(sent.get("r1")?.lines.map(({ component, instance }) => `${component} ${instance}`).toSorted(), [
    "api two",
    "web one",
  ]);
  assert.deepEqual(opened.toSorted(), ["id-one 5", "id-two 5"]);
});

test("createLogRelay() keeps to one component", async () => {
  const { relay, sent, until } = startRelay([web, api]);
  await using _relay = relay;
  relay.apply([request({ component: "api" })]);
  await until("see it done", () => sent.get("r1")?.isDone);
  assert.deepEqual(sent.get("r1")?.lines.map(({ line }) => line), ["line of id-two"]);
});

test("createLogRelay() follows instances that come later, until the request is withdrawn", async () => {
  const instances = [web];
  const { relay, sent, changes, opened, until } = startRelay(instances);
  await using _relay = relay;
  relay.apply([request({ follow: true })]);
  await until("see a line", () => sent.get("r1")?.lines.length === 1);
  instances.push(api);
  changes.notify();
  await until("see the next line", () => sent.get("r1")?.lines.length === 2);
  assert.equal(opened[1], "id-two since");
  assert.equal(sent.get("r1")?.isDone, false);
  relay.apply([]);
  await until("see it done", () => sent.get("r1")?.isDone);
});
