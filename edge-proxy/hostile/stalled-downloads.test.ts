import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { backendAt, openTestProxy, routeTo } from "../testing/open-test-proxy.ts";
import { targetOf } from "../testing/target-of.ts";
import { startHttpBackend } from "../testing/test-backend.ts";
import { ask } from "../testing/test-client.ts";
import { assertNoLoad, createKeptLog } from "../testing/when-idle.ts";

const clients = 1_000;
/**
 * Beyond what connections take that do nothing. Of the 190 to 230 MB that Node takes, 80 are the 64 KiB that LIM8 allows each response; the
 * rest is what TLS has encrypted, and heap that is not given back. 150 MB are aimed at.
 */
const mostGrowthMb = 300;

function rssMb(): number {
  return process.memoryUsage.rss() / 1e6;
}

test(`LIM8: ${clients} stalled downloads take less than ${mostGrowthMb} MB, and others are served`, {
  timeout: 120_000,
  skip: process.versions["deno"] !== undefined &&
    "TLS of Deno takes about 1 MB for each response that stalls (measured with 2.9), whatever is written to it",
}, async (t) => {
  const kept = createKeptLog();
  await using quick = await startHttpBackend((_request, response) => void response.end("ok"));
  await using fixture = await openTestProxy({ log: kept.log, limits: { drainMs: 100 } });
  const program = spawn(process.execPath, [join(import.meta.dirname, "../testing/stalled-downloads.ts")], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  t.after(() => program.kill("SIGKILL"));
  const lines = createInterface(program.stdout);
  const [port] = await once(lines, "line");
  await fixture.serve(
    routeTo("a.test", "l7", backendAt(Number(port), "much-1")),
    routeTo("b.test", "l7", backendAt(quick.port, "quick-1")),
  );
  // As many handshakes as there will be: what they leave to the garbage collector is not the buffers' doing.
  for (let turn = 0; turn < clients; turn += 20) {
    await Promise.all(Array.from({ length: 20 }, () => ask(targetOf(fixture, "b.test"))));
  }
  const [coldMb, say] = [rssMb(), (line: string) => void program.stdin.write(`${line}\n`)];
  say(`${fixture.proxy.port} ${clients}`);
  assert.deepEqual(await once(lines, "line"), ["connected"]);
  const connectedMb = rssMb();
  say("go");
  assert.deepEqual(await once(lines, "line"), ["stalled"]);
  const grownMb = rssMb() - connectedMb;
  const show = (mb: number) => `${Math.round(mb)} MB`;
  t.diagnostic(
    `${clients} connections took ${show(connectedMb - coldMb)}, their stalled downloads ${show(grownMb)} more`,
  );
  assert.ok((await fixture.proxy.plane.facts()).openConnections >= clients);
  assert.equal((await ask(targetOf(fixture, "b.test"))).body, "ok");
  assert.ok(grownMb < mostGrowthMb, `they took ${show(grownMb)}`);
  program.kill("SIGKILL");
  await assertNoLoad(fixture);
  assert.deepEqual(kept.errors(), []);
});
