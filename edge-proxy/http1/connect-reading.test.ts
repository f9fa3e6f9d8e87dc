import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { backendAt, openTestProxy, routeTo } from "../testing/open-test-proxy.ts";
import { targetOf } from "../testing/target-of.ts";
import { startHttpBackend } from "../testing/test-backend.ts";
import { ask } from "../testing/test-client.ts";

test("D1: connections that read at the same time never see each other's bytes", { timeout: 60_000 }, async () => {
  await using backend = await startHttpBackend((request, response) => {
    const letter = request.url?.slice(1) ?? "";
    response.end(Buffer.alloc(200_000, letter));
  });
  await using fixture = await openTestProxy();
  await fixture.serve(routeTo("a.test", "l7", backendAt(backend.port)));
  const letters = Array.from({ length: 64 }, (_, index) => String.fromCharCode(97 + index % 26));
  const answers = await Promise.all(letters.map((letter) => ask(targetOf(fixture), { path: `/${letter}` })));
  for (const [index, { status, body }] of answers.entries()) {
    assert.equal(status, 200);
    assert.ok(body === letters[index]?.repeat(200_000), `answer ${index} is whole and its own`);
  }
});
