import assert from "node:assert/strict";
import { Agent } from "node:https";
import { test } from "node:test";
import { backendAt, openTestProxy, routeTo, type TestProxy } from "../testing/open-test-proxy.ts";
import { targetOf } from "../testing/target-of.ts";
import { startHttpBackend, startTlsBackend } from "../testing/test-backend.ts";
import { ask, askRaw } from "../testing/test-client.ts";
import { assertNoLoad, createKeptLog } from "../testing/when-idle.ts";

/** Fields that wedged a slot of undici's pool for ever, and others that a client library may choke on. */
const fields = [
  "Keep-Alive: timeout=5",
  "Connection: keep-alive, te",
  "Connection: close, x-forwarded-for, host",
  "Proxy-Connection: keep-alive",
  "Transfer-Encoding: identity",
  "Transfer-Encoding: chunked\r\nContent-Length: 3",
  "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nConnection: upgrade, http2-settings",
  "Upgrade: tls/1.3\r\nConnection: upgrade",
  "Upgrade: \r\nConnection: upgrade",
  "Expect: 100-continue",
  "Expect: 200-ok",
  "Expect: ",
  "TE: trailers, gzip",
  "Trailer: Content-Length",
  "X-Bad: \x01",
  "X-Bad: a\x7fb",
  "X-Latin: \xff\xfe",
  "X Bad: a",
  "X-Bad\x00: a",
  "(X): a",
  ": a",
  "__proto__: a",
  "constructor: a",
  "Content-Length: 99999999999999999999",
  "Content-Length: -1",
  "Host: a.test",
  "Via: 1.1 edge, 1.1 edge, 1.1 edge, 1.1 edge, 1.1 edge, 1.1 edge",
];

async function attack(fixture: TestProxy): Promise<void> {
  for (const field of fields) {
    for (const line of ["GET / HTTP/1.1", "POST / HTTP/1.1\r\nContent-Length: 0", "GET / HTTP/1.0"]) {
      await askRaw(targetOf(fixture), `${line}\r\nHost: a.test\r\n${field}\r\n\r\n`, "\r\n\r\n");
    }
  }
}

test("D6: no header of a client holds a connection to the backend for ever", { timeout: 120_000 }, async () => {
  const kept = createKeptLog();
  await using backend = await startHttpBackend((request, response) =>
    void request.on("end", () => response.end("ok")).resume()
  );
  await using fixture = await openTestProxy({ log: kept.log });
  await fixture.serve(routeTo("a.test", "l7", backendAt(backend.port)));
  await attack(fixture);
  const accepted = backend.accepted();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (let turn = 0; turn < 50; turn += 1) {
    const answer = await ask(targetOf(fixture), { agent });
    assert.deepEqual([answer.status, answer.body], [200, "ok"], `request ${turn}`);
  }
  agent.destroy();
  assert.ok(backend.accepted() <= accepted + 1, "requests one after the other share a connection");
  assert.ok(backend.open() <= 2, `${backend.open()} connections to the backend are open`);
  await assertNoLoad(fixture);
  assert.deepEqual(kept.errors(), []);
});

test("X10: a backend with TLS must have the platform's certificate for its name", { timeout: 30_000 }, async (t) => {
  await using fixture = await openTestProxy();
  await using stranger = await openTestProxy();
  const answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
  const cases = [
    ["the right one", await fixture.authority.issue("backend.test"), 200],
    ["another name", await fixture.authority.issue("other.test"), 502],
    ["an unknown root", await stranger.authority.issue("backend.test"), 502],
    [
      "an expired one",
      await fixture.authority.issue("backend.test", { notAfter: new Date(Date.now() - 60_000) }),
      502,
    ],
  ] as const;
  for (const [what, material, status] of cases) {
    await t.test(what, async () => {
      let asked = 0;
      await using backend = await startTlsBackend(material, (socket) =>
        void socket.once("data", () => {
          asked += 1;
          socket.end(answer);
        }));
      const route = routeTo("a.test", "l7", backendAt(backend.port));
      await fixture.serve({ ...route, backendProtocol: "https", backendServerName: "backend.test" });
      assert.equal((await ask(targetOf(fixture))).status, status);
      assert.equal(asked, status === 200 ? 1 : 0, "a backend that is not trusted gets no request");
    });
  }
});
