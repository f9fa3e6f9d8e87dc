import "reflect-metadata";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { test } from "node:test";
import { createServer, type TLSSocket } from "node:tls";
import { SubjectAlternativeNameExtension, X509CertificateGenerator } from "@peculiar/x509";
import type { ProbeTarget } from "./context.ts";
import { createProbeRoute, type ProbeOptions } from "./probe-route.ts";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** A TLS server for `web.test` and `*.shop.test` that `answer` writes to once it was asked, and a probe that trusts it. */
async function openProxy(answer: (socket: TLSSocket) => void, dns?: ProbeOptions["dns"]) {
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: "CN=web.test",
    keys,
    signingAlgorithm: algorithm,
    notAfter: new Date(Date.now() + 3_600_000),
    extensions: [
      new SubjectAlternativeNameExtension([{ type: "dns", value: "web.test" }, { type: "dns", value: "*.shop.test" }]),
    ],
  });
  const der = Buffer.from(await crypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  const key = `-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n`;
  const sockets = new Set<TLSSocket>();
  const server = createServer({ cert: certificate.toString("pem"), key }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.once("data", () => answer(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const probe = createProbeRoute({
    proxy: { port, aliasPorts: [443] },
    ...(dns === undefined ? {} : { dns }),
    ca: async () => certificate.toString("pem"),
  });
  const target = {
    hostname: "web.test",
    port: 443,
    mode: "l7",
    nodeAddress: "127.0.0.1",
    instances: ["web-1"],
  } as const;
  return {
    ask: (timeoutMs: number, change: Partial<ProbeTarget> = {}) =>
      probe({ ...target, ...change }, AbortSignal.timeout(timeoutMs)),
    [Symbol.dispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

const head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n";

test("createProbeRoute() is content with an expected instance, and says which other one answers", async () => {
  using good = await openProxy((socket) => void socket.end(`${head}{"instance":"web-1"}`));
  await good.ask(10_000);
  using other = await openProxy((socket) => void socket.end(`${head}{"instance":"web-0"}`));
  await assert.rejects(other.ask(200), /instance web-0 answers, expected a new one/);
});

test("createProbeRoute() ends with its time when the answer never does", { timeout: 20_000 }, async () => {
  using slow = await openProxy((socket) => void socket.write(head));
  await assert.rejects(slow.ask(300));
});

test("createProbeRoute() reads no more than an answer can have, and asks again", { timeout: 20_000 }, async () => {
  let answered = 0;
  using long = await openProxy((socket) => {
    answered += 1;
    socket.write(head + (answered === 1 ? "x".repeat(100_000) : '{"instance":"web-1"}'));
    if (answered > 1) socket.end();
  });
  // The first answer never ends, so only a limit of its size leads to the second.
  await long.ask(4_000);
  assert.equal(answered, 2);
});

test("createProbeRoute() asks DNS for names of the platform only", async () => {
  const answer = (socket: TLSSocket) => void socket.end(`${head}{"instance":"web-1"}`);
  const silent = { server: "127.0.0.1:9" };
  using elsewhere = await openProxy(answer, { ...silent, domain: "example.net" });
  await elsewhere.ask(10_000);
  using ours = await openProxy(answer, { ...silent, domain: "test" });
  await assert.rejects(ours.ask(200), /DNS does not know the name yet/);
});

test("createProbeRoute() asks for some label of a wildcard", async () => {
  let asked: string | false | null = null;
  using proxy = await openProxy((socket) => {
    asked = socket.servername;
    socket.end(`${head}{"instance":"web-1"}`);
  });
  await proxy.ask(10_000, { hostname: "*.shop.test" });
  assert.equal(asked, "mcp-probe.shop.test");
});

test("createProbeRoute() trusts the platform's CA only, and leaves foreign certificates to the proxy", async () => {
  using proxy = await openProxy((socket) => void socket.end(`${head}{"instance":"web-1"}`));
  await assert.rejects(proxy.ask(300, { hostname: "public.test" }), /the TLS handshake failed/);
  await proxy.ask(10_000, { hostname: "public.test", hasForeignCertificate: true });
});
