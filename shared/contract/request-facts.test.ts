import assert from "node:assert/strict";
import { test } from "node:test";
import { Hono } from "hono";
import { clientIpOf } from "./request-facts.ts";

async function ask(peer: string, claimed?: string): Promise<string> {
  const app = new Hono();
  app.get("/", (context) => context.text(clientIpOf(context)));
  const headers = claimed === undefined ? {} : { "x-real-ip": claimed };
  const incoming = { socket: { remoteAddress: peer } };
  return await (await app.request("/", { headers }, { incoming })).text();
}

test("clientIpOf() believes X-Real-IP from this machine only", async () => {
  assert.equal(await ask("127.0.0.1", "192.0.2.7"), "192.0.2.7");
  assert.equal(await ask("::ffff:127.0.0.1", "2001:db8::1"), "2001:db8::1");
  assert.equal(await ask("198.51.100.9", "192.0.2.7"), "198.51.100.9");
  assert.equal(await ask("127.0.0.1"), "127.0.0.1");
});

test("clientIpOf() takes addresses only: other text would reach the audit log and the counts of wrong passwords", async () => {
  for (const claimed of ["", "unknown", "192.0.2.7, 10.0.0.1", "x".repeat(10_000)]) {
    assert.equal(await ask("127.0.0.1", claimed), "127.0.0.1");
  }
});
