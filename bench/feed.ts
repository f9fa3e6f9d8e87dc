import { fork } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { serve } from "@hono/node-server";
import { z } from "zod";
import { createFeedHub } from "#shared/feed/feed-hub.ts";
import { appendFeed, feedMigration } from "#shared/feed/feed-store.ts";
import { openTemporaryDatabase } from "#shared/store/temporary-database.ts";
import { type BenchResult, median, percentile } from "./lib/result.ts";

const subscribers = 1_000;
const changes = 30;

/** How long after a commit 1,000 subscribers have applied it. There is no peer: rivals poll. */
export async function measure(): Promise<BenchResult> {
  await using database = await openTemporaryDatabase([feedMigration]);
  await using hub = createFeedHub(database);
  const server = serve({ fetch: (request) => hub.answerStream("routes", 0, request), port: 0, hostname: "127.0.0.1" });
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const child = fork(new URL("./lib/feed-subscribers.ts", import.meta.url), [String(port), String(subscribers)]);
  await hub.transaction((tx) => appendFeed(tx, "routes", [{ key: "first", value: 0 }]));
  await once(child, "message"); // all subscribers have the snapshot
  const p50s: number[] = [];
  const p99s: number[] = [];
  for (let change = 1; change <= changes; change++) {
    const applied = once(child, "message");
    const committedAtMs = Date.now();
    await hub.transaction((tx) => appendFeed(tx, "routes", [{ key: "route", value: change }]));
    const [times] = await applied;
    const delays = z.array(z.number()).parse(times).map((atMs) => atMs - committedAtMs);
    p50s.push(median(delays));
    p99s.push(percentile(delays, 99));
    process.stderr.write(`change ${change}: p50 ${median(delays)} ms, p99 ${percentile(delays, 99)} ms\n`);
  }
  child.kill();
  server.close();
  return {
    bench: "feed",
    unit: "ms",
    ours: { subscribers, p50: median(p50s), p99: median(p99s) },
    peers: {},
    ratios: {},
  };
}
