/** A worker thread that takes events and opens connections of one address in a shared table, as often as it is told. */
import { parentPort, workerData } from "node:worker_threads";
import { z } from "zod";
import { attachCounterTable } from "../firewall/counter-table.ts";

const { buffer, worker, attempts } = z.object({
  buffer: z.instanceof(SharedArrayBuffer),
  worker: z.number(),
  attempts: z.number(),
}).parse(workerData);

const counters = attachCounterTable(buffer, worker);
const key = { address: "192.0.2.1", scope: 0 };
let taken = 0;
let opened = 0;

// Starts when every worker is there, so that they really meet.
parentPort?.once("message", () => {
  for (let attempt = 0; attempt < attempts; attempt++) {
    if (counters.take(key, { count: 10_000, windowMs: 3_600_000 }, 1000) === 0) taken++;
    if (counters.open(key, { perAddress: 5000, total: 1_000_000 }, 1000).kind === "open") opened++;
  }
  parentPort?.postMessage({ taken, opened });
});
parentPort?.postMessage("ready");
