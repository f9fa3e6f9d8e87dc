import assert from "node:assert/strict";
import type { Buffer } from "node:buffer";
import { once } from "node:events";
import process from "node:process";
import { test } from "node:test";
import type { TLSSocket } from "node:tls";
import { connect } from "node:tls";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import { openFirewall } from "#shared/contract/firewall.ts";
import { createCounterBuffer } from "../firewall/counter-table.ts";
import { createMetrics } from "../metrics.ts";
import { backendAt, openTestProxy, routeTo, type TestProxy } from "../testing/open-test-proxy.ts";
import { targetOf } from "../testing/target-of.ts";
import { startHttpBackend } from "../testing/test-backend.ts";
import { ask } from "../testing/test-client.ts";
import { startWorker } from "./worker-thread.ts";
import { openWorkerPlane } from "./worker-plane.ts";

const isDeno = process.versions["deno"] !== undefined;
const skip = isDeno ? "worker threads of Deno cannot share a port" : false;
if (skip) console.log(`skipping workers: ${skip}`);

const workers = 2;
const openWith = (options: Parameters<typeof openTestProxy>[0] = {}) =>
  openTestProxy({
    openPlane: (plane) => openWorkerPlane(plane, workers),
    settings: {
      logLevel: "error",
      accessLog: "off",
      counters: {
        connections: createCounterBuffer({ entries: 1_024, workers }),
        requests: createCounterBuffer({ entries: 1_024, workers }),
      },
    },
    ...options,
  });

/** Asks on new connections until `count` answers are there. */
async function askOften(fixture: TestProxy, count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) assert.equal((await ask(targetOf(fixture))).status, 200);
}

/** The text of the metrics page. */
const pageOf = (fixture: TestProxy) => fixture.proxy.renderMetrics();

test("workers serve the same routes and certificates, and their counts add up", { skip, timeout: 60_000 }, async () => {
  await using backend = await startHttpBackend((_request, response) => void response.end("ok"));
  await using fixture = await openWith();
  await fixture.serve(routeTo("a.test", "l7", backendAt(backend.port)));
  await askOften(fixture, 20);
  const page = await pageOf(fixture);
  assert.match(page, /mc_proxy_workers 2\n/);
  assert.match(page, /mc_proxy_requests_total\{route="a\.test:443",status="200"\} 20\n/);
  await fixture.serve();
  await assert.rejects(ask(targetOf(fixture)));
});

test("LIM7: caps count the connections of all workers as one", { skip, timeout: 60_000 }, async () => {
  await using backend = await startHttpBackend((_request, response) => void response.end("ok"));
  await using fixture = await openWith({ limits: { connectionsPerAddress: 4 } });
  await fixture.serve(routeTo("a.test", "l7", backendAt(backend.port)));
  const open: TLSSocket[] = [];
  let refused = 0;
  for (let turn = 0; turn < 12; turn += 1) {
    const { port, rootPem, hostname } = targetOf(fixture);
    const socket = connect({ host: "127.0.0.1", port, servername: hostname, ca: rootPem });
    await once(socket, "secureConnect").then(() => open.push(socket), () => refused += 1);
  }
  assert.deepEqual([open.length, refused], [4, 8]);
  assert.match(await pageOf(fixture), /mc_proxy_limited_total\{limit="connections_per_address"\} 8\n/);
  assert.equal((await fixture.proxy.plane.facts()).openConnections, 4);
  for (const socket of open) socket.destroy();
});

test("the firewall's rules reach every worker", { skip, timeout: 60_000 }, async () => {
  await using backend = await startHttpBackend((_request, response) => void response.end("ok"));
  await using fixture = await openWith();
  await fixture.serve(routeTo("a.test", "l7", backendAt(backend.port)));
  fixture.proxy.plane.firewall({ ...openFirewall, blockedAddresses: ["127.0.0.0/8"] });
  await fixture.proxy.plane.facts();
  for (let turn = 0; turn < 8; turn += 1) await assert.rejects(ask(targetOf(fixture)), { code: "ECONNRESET" });
  const { firewallHits } = await fixture.proxy.plane.facts();
  assert.deepEqual(firewallHits, [{ rule: "address:127.0.0.0/8", refused: 8, shadowed: 0 }]);
});

test("a session of one worker is resumed at another", { skip, timeout: 60_000 }, async () => {
  await using backend = await startHttpBackend((_request, response) => void response.end("ok"));
  await using fixture = await openWith();
  await fixture.serve(routeTo("a.test", "l7", backendAt(backend.port)));
  const { port, rootPem, hostname } = targetOf(fixture);
  const visit = async (session?: Buffer) => {
    const options = { host: "127.0.0.1", port, servername: hostname, ca: rootPem };
    const socket = connect(session === undefined ? options : { ...options, session });
    let ticket: Buffer | undefined;
    socket.on("session", (given: Buffer) => ticket = given);
    await once(socket, "secureConnect");
    socket.write("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    await once(socket, "data");
    const isResumed = socket.isSessionReused();
    socket.destroy();
    return { session: ticket, isResumed };
  };
  const { session } = await visit();
  // The kernel picks the worker by the client's port: eight visits hardly ever end at one.
  for (let turn = 0; turn < 8; turn += 1) assert.equal((await visit(session)).isResumed, true);
});

test(
  "a worker that dies is started again with everything, while the others serve",
  { skip, timeout: 60_000 },
  async () => {
    await using backend = await startHttpBackend((_request, response) => void response.end("ok"));
    const metrics = createMetrics();
    const killed: (() => Promise<void>)[] = [];
    await using fixture = await openWith({
      openPlane: (plane) =>
        openWorkerPlane({ ...plane, metrics }, workers, {
          start: async (...given) => {
            const thread = await startWorker(...given);
            killed.push(thread.end);
            return thread;
          },
        }),
    });
    await fixture.serve(routeTo("a.test", "l7", backendAt(backend.port)));
    await askOften(fixture, 4);
    await killed[0]?.();
    const restarted = () => metrics.render().includes("mc_proxy_worker_restarts_total 1\n") || undefined;
    await waitUntil(restarted, { action: "see the death", timeoutMs: 20_000 });
    const isBack = () => fixture.proxy.plane.workers() === workers || undefined;
    await waitUntil(isBack, { action: "see it back", timeoutMs: 20_000 });
    await askOften(fixture, 10);
    assert.match(await pageOf(fixture), /mc_proxy_workers 2\n/);
  },
);

test("workers that cannot have the port say so", { skip, timeout: 60_000 }, async () => {
  await using backend = await startHttpBackend(() => {});
  await assert.rejects(openWith({ port: backend.port }), { code: "conflict" });
});
