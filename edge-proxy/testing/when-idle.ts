import assert from "node:assert/strict";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import { createLog, type Log } from "#shared/log/log.ts";
import type { TestProxy } from "./open-test-proxy.ts";

/** Waits until a proxy has no connection, no request and no handshake left, on either side as far as it is the proxy's doing. */
export async function whenIdle({ proxy, metrics }: TestProxy, timeoutMs = 15_000): Promise<void> {
  let last = "";
  const isIdle = async () => {
    const { openConnections, attachments } = await proxy.plane.facts();
    const unrouted = /^mc_proxy_unrouted_open (\d+)/m.exec(metrics.render())?.[1] ?? "0";
    last = JSON.stringify({ openConnections, attachments, unrouted });
    return openConnections === 0 && attachments.length === 0 && unrouted === "0" || undefined;
  };
  await waitUntil(isIdle, { action: "see the proxy idle", timeoutMs, intervalMs: 10 }).catch((cause: unknown) => {
    throw new Error(`the proxy still holds ${last}`, { cause });
  });
}

/** Asserts that nothing is counted at any instance; takes all routes away for that, because only then is it told. */
export async function assertNoLoad(fixture: TestProxy): Promise<void> {
  await whenIdle(fixture);
  await fixture.serve();
  assert.deepEqual(fixture.proxy.plane.draining(), {});
}

/** A log that keeps its warnings and errors. */
export interface KeptLog {
  readonly log: Log;
  /** Lines at `error`: nothing that a client does may cause one. */
  errors(): string[];
  /** Lines at `warn`. */
  warnings(): string[];
}

/** A log that nobody has written to. */
export function createKeptLog(): KeptLog {
  const lines: string[] = [];
  const at = (level: string) => lines.filter((line) => line.includes(`"level":"${level}"`));
  return {
    log: createLog({ system: "proxy", level: "warn", write: (line) => void lines.push(line) }),
    errors: () => at("error"),
    warnings: () => at("warn"),
  };
}
