import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { connect, createServer } from "node:net";
import { once } from "node:events";
import { test } from "node:test";
import { connect as connectTls } from "node:tls";
import { createChallengeCertificate } from "./challenge-certificate.ts";
import { usableChallengeTypes } from "./challenge.ts";
import { acmeTlsProtocol, createChallengeResponder } from "./challenge-responder.ts";

test("answer() knows the tokens that are presented, and nothing else", () => {
  const responder = createChallengeResponder({ handshakeMs: 10_000 });
  const challenge = { type: "http-01", token: "t0k_en", keyAuthorization: "t0k_en.thumb" } as const;
  void responder.present(challenge);
  assert.equal(responder.answer("/.well-known/acme-challenge/t0k_en"), "t0k_en.thumb");
  for (const path of ["/.well-known/acme-challenge/", "/.well-known/acme-challenge/x", "/t0k_en", "/"]) {
    assert.equal(responder.answer(path), undefined, path);
  }
  void responder.withdraw(challenge);
  assert.equal(responder.answer("/.well-known/acme-challenge/t0k_en"), undefined);
});

test("X5: accept() shows the certificate of the challenge for acme-tls/1 (RFC 8737)", {
  skip: !usableChallengeTypes().includes("tls-alpn-01") && "this runtime cannot answer tls-alpn-01",
}, async () => {
  const responder = createChallengeResponder({ handshakeMs: 10_000 });
  const material = await createChallengeCertificate("a.test", "token.thumb");
  void responder.present({ type: "tls-alpn-01", hostname: "a.test", material });
  const server = createServer((socket) => void (responder.accept("a.test", socket) || socket.destroy()));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  const options = { host: "127.0.0.1", port, servername: "a.test", rejectUnauthorized: false };
  const client = connectTls({ ...options, ALPNProtocols: [acmeTlsProtocol] });
  await once(client, "secureConnect");
  assert.equal(client.alpnProtocol, acmeTlsProtocol);
  const shown = new X509Certificate(client.getPeerCertificate().raw);
  assert.equal(shown.subjectAltName, "DNS:a.test");
  const digest = createHash("sha256").update("token.thumb").digest("hex");
  assert.ok(shown.raw.toString("hex").includes(`0101ff04220420${digest}`), "expected the critical extension");
  client.destroy();
  const other = connectTls({ ...options, ALPNProtocols: ["h2"] });
  await once(other, "error");
  server.close();
  await once(server, "close");
});

test("accept() takes nothing for a name without a challenge", () => {
  const responder = createChallengeResponder({ handshakeMs: 10_000 });
  const socket = connect({ port: 1, host: "127.0.0.1", lookup: () => undefined }).on("error", () => undefined);
  assert.equal(responder.accept("a.test", socket), false);
  socket.destroy();
});
