import assert from "node:assert/strict";
import { createServer as createHttpServer, type RequestListener, type Server } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { test } from "node:test";
import { setImmediate } from "node:timers";
import "reflect-metadata";
import { PemConverter, SubjectAlternativeNameExtension, X509CertificateGenerator } from "@peculiar/x509";
import { createNodeFetch } from "./node-fetch.ts";

/** A certificate for 127.0.0.1 that vouches for itself, and its key, in PEM. */
async function createCertificate(): Promise<{ cert: string; key: string }> {
  const signing = { name: "ECDSA", namedCurve: "P-256" };
  const keys = await crypto.subtle.generateKey(signing, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: "CN=127.0.0.1",
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 3_600_000),
    keys,
    signingAlgorithm: { ...signing, hash: "SHA-256" },
    extensions: [new SubjectAlternativeNameExtension([{ type: "ip", value: "127.0.0.1" }])],
  });
  return {
    cert: certificate.toString("pem"),
    key: PemConverter.encode(await crypto.subtle.exportKey("pkcs8", keys.privateKey), "PRIVATE KEY"),
  };
}

async function listen(server: Server): Promise<{ port: number } & AsyncDisposable> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return {
    port: address.port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((closed) => server.close(() => closed()));
    },
  };
}

const echo: RequestListener = (request, response) => {
  let body = "";
  request.on("data", (chunk) => body += chunk);
  request.on("end", () => {
    response.setHeader("x-method", `${request.method} ${request.url} ${request.headers["content-type"]}`);
    response.end(body);
  });
};

test("fetch() sends method, path, headers and body over http", async () => {
  await using server = await listen(createHttpServer(echo));
  using http = createNodeFetch();
  const url = `http://127.0.0.1:${server.port}/v1/x?y=1`;
  const response = await http.fetch(
    new Request(url, { method: "PUT", body: '{"a":1}', headers: { "content-type": "application/json" } }),
  );
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("x-method"), "PUT /v1/x?y=1 application/json");
  assert.deepEqual(await response.json(), { a: 1 });
});

test("fetch() trusts the given CA only", async () => {
  const { cert, key } = await createCertificate();
  await using server = await listen(createHttpsServer({ cert, key, minVersion: "TLSv1.3" }, echo));
  const request = () => new Request(`https://127.0.0.1:${server.port}/`);
  using trusting = createNodeFetch({ ca: cert });
  assert.equal((await trusting.fetch(request())).status, 200);
  using plain = createNodeFetch();
  await assert.rejects(async () => plain.fetch(request()), /certificate|UnknownIssuer|CaUsedAsEndEntity/i);
});

test("fetch() gives the head before a stream's end, and the error when the connection breaks", async () => {
  await using server = await listen(createHttpServer((_request, response) => {
    response.write("first\n");
    setImmediate(() => response.socket?.destroy());
  }));
  using http = createNodeFetch();
  const response = await http.fetch(new Request(`http://127.0.0.1:${server.port}/`));
  await assert.rejects(response.text());
});

test("fetch() ends a stream when the request's signal aborts", async () => {
  await using server = await listen(createHttpServer((_request, response) => void response.write("first\n")));
  using http = createNodeFetch();
  const abort = new AbortController();
  const response = await http.fetch(new Request(`http://127.0.0.1:${server.port}/`, { signal: abort.signal }));
  const reader = response.body?.getReader();
  assert.ok(reader);
  await reader.read();
  abort.abort();
  await assert.rejects(reader.read());
});

test("fetch() has no body with status 204, and rejects when nobody listens", async () => {
  let port = 0;
  {
    await using server = await listen(createHttpServer((_request, response) => void response.writeHead(204).end()));
    port = server.port;
    using http = createNodeFetch();
    const response = await http.fetch(new Request(`http://127.0.0.1:${port}/`));
    assert.deepEqual([response.status, response.body], [204, null]);
  }
  using http = createNodeFetch();
  await assert.rejects(async () => http.fetch(new Request(`http://127.0.0.1:${port}/`)), { code: "ECONNREFUSED" });
});
