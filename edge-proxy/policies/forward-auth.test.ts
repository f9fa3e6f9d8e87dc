import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { createServer as createTcpServer } from "node:net";
import { test, type TestContext } from "node:test";
import type { RequestHead } from "../l7/streams.ts";
import { requestOf } from "../testing/request-of.ts";
import { createTestAuthority } from "../testing/test-authority.ts";
import { type AuthQuestion, createForwardAuth, type ForwardAuthOptions } from "./forward-auth.ts";

async function startService(t: TestContext, serve: RequestListener): Promise<URL> {
  const server = createServer(serve);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  return new URL(`http://127.0.0.1:${address.port}/ask?from=proxy`);
}

function open(t: TestContext, options: ForwardAuthOptions = {}) {
  const auth = createForwardAuth({ timeoutMs: 20_000, ...options });
  t.after(() => auth[Symbol.dispose]());
  return auth;
}

function question(url: URL, parts: Partial<RequestHead> = {}, responseFields: readonly string[] = []): AuthQuestion {
  return { url, responseFields, request: requestOf(parts), clientAddress: "192.0.2.1" };
}

test("ask() tells the service who asks for what, and nothing else of the request", async (t) => {
  const { promise, resolve } = Promise.withResolvers<IncomingMessage>();
  const url = await startService(t, (request, response) => {
    resolve(request);
    response.end("ok");
  });
  const fields = [
    "Authorization",
    "Bearer t",
    "cookie",
    "a=1",
    "cookie",
    "b=2",
    "Accept",
    "text/html",
    "X-Other",
    "x",
    "X-Forwarded-Uri",
    "/no",
  ];
  const answer = await open(t).ask(question(url, { method: "POST", fields, bodyLength: 9, via: "1.1 before" }));
  assert.equal(answer.kind, "pass");
  const asked = await promise;
  assert.equal(`${asked.method} ${asked.url}`, "GET /ask?from=proxy");
  const { connection: _connection, host: _host, ...headers } = asked.headers;
  assert.deepEqual(headers, {
    authorization: "Bearer t",
    cookie: "a=1; b=2",
    accept: "text/html",
    via: "1.1 before, 1.1 mc-proxy",
    "x-forwarded-method": "POST",
    "x-forwarded-proto": "https",
    "x-forwarded-host": "a.example",
    "x-forwarded-uri": "/page?x=1",
    "x-forwarded-for": "192.0.2.1",
  });
});

test("ask() gives the answer's fields for the instance, and names what a client may not send", async (t) => {
  const url = await startService(t, (_request, response) => {
    response.writeHead(204, ["X-User", "ann", "X-Group", "a", "X-Group", "b", "X-Private", "p"]);
    response.end();
  });
  const fields = ["x-user", "root", "X_User", "root", "X-Group", "wheel", "X-Private", "mine"];
  const answer = await open(t).ask(question(url, { fields }, ["x-user", "x-group", "x-absent"]));
  assert.deepEqual(answer, {
    kind: "pass",
    fields: ["X-User", "ann", "X-Group", "a", "X-Group", "b"],
    dropFields: new Set(["x-user", "x_user", "x-group"]),
  });
});

test("ask() hands a refusal to the client, with the fields that a login needs", async (t) => {
  const url = await startService(t, (_request, response) => {
    const fields = [
      "Location",
      "https://login.example/",
      "Set-Cookie",
      "a=1",
      "Set-Cookie",
      "b=2",
      "Content-Type",
      "text/plain",
      "X-Other",
      "x",
    ];
    response.writeHead(302, fields);
    response.end("log in");
  });
  const answer = await open(t).ask(question(url));
  assert.ok(answer.kind === "answer");
  assert.equal(`${answer.status} ${answer.body.toString()}`, "302 log in");
  assert.deepEqual(answer.fields, [
    ...["Location", "https://login.example/", "Set-Cookie", "a=1", "Set-Cookie", "b=2", "Content-Type", "text/plain"],
  ]);
});

for (const status of [301, 401, 403, 404, 500]) {
  test(`ask() does not let a request pass on ${status}`, async (t) => {
    const url = await startService(t, (_request, response) => response.writeHead(status).end());
    const answer = await open(t).ask(question(url));
    assert.ok(answer.kind === "answer" && answer.status === status);
  });
}

const failures: readonly [name: string, serve: RequestListener][] = [
  ["does not answer in time", () => {}],
  ["closes without an answer", (_request, response) => response.destroy()],
  ["breaks its answer off", (_request, response) => {
    response.writeHead(401, { "content-length": "100" });
    response.write("half", () => response.destroy());
  }],
  ["stalls in its answer", (_request, response) => {
    response.writeHead(401, { "content-length": "100" });
    response.write("half");
  }],
  ["answers with more than 64 KiB", (_request, response) => response.writeHead(401).end("x".repeat(64 * 1024 + 1))],
];

for (const [name, serve] of failures) {
  test(`ask() fails closed when the service ${name}`, async (t) => {
    const url = await startService(t, serve);
    const answer = await open(t, { timeoutMs: 1000 }).ask(question(url));
    assert.ok(answer.kind === "failed" && answer.status === 503);
  });
}

test("ask() fails closed when nobody listens", async (t) => {
  const server = createTcpServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  assert.ok(address !== null && typeof address === "object");
  const answer = await open(t).ask(question(new URL(`http://127.0.0.1:${address.port}/`)));
  assert.equal(answer.kind, "failed");
});

test("ask() ends when the client leaves", async (t) => {
  const stop = new AbortController();
  const closed = Promise.withResolvers<void>();
  const url = await startService(t, (request) => {
    request.on("close", () => closed.resolve());
    stop.abort();
  });
  assert.deepEqual(await open(t).ask(question(url), stop.signal), { kind: "cancelled" });
  await closed.promise;
});

test("ask() bounds the questions at the same time", async (t) => {
  const stop = new AbortController();
  const url = await startService(t, () => {});
  const auth = open(t, { maxPending: 1 });
  const first = auth.ask(question(url), stop.signal);
  assert.equal((await auth.ask(question(url))).kind, "failed");
  stop.abort();
  assert.equal((await first).kind, "cancelled");
});

test("ask() asks again when a kept connection ends just then", async (t) => {
  let questions = 0;
  const url = await startService(t, (request, response) => {
    questions++;
    if (questions === 2) request.socket.destroy();
    else response.end();
  });
  const auth = open(t);
  assert.equal((await auth.ask(question(url))).kind, "pass");
  assert.equal((await auth.ask(question(url))).kind, "pass");
  assert.equal(questions, 3);
});

test("ask() verifies a service on TLS with the platform's root, and fails closed without", async (t) => {
  const authority = await createTestAuthority();
  const { chainPem, keyPem } = await authority.issue("localhost");
  const server = createHttpsServer({ key: keyPem, cert: chainPem }, (_request, response) => response.end());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const url = new URL(`https://localhost:${address.port}/`);
  assert.equal((await open(t, { authorities: authority.rootPem }).ask(question(url))).kind, "pass");
  assert.equal((await open(t).ask(question(url))).kind, "failed");
});
