import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readFile, stat } from "node:fs/promises";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import { silentLog } from "#shared/log/log.ts";
import { createTemporaryFolder } from "#shared/store/temporary-folder.ts";
import { createCertificateFiles } from "../certificates/certificate-files.ts";
import { createCertificateKeeper } from "../certificates/certificate-keeper.ts";
import { checkCertificate } from "../certificates/check-certificate.ts";
import { createCertificateRequest } from "../certificates/create-request.ts";
import { skipWithoutPebble, startPebble } from "../testing/start-pebble.ts";
import { peekClientHello } from "../tls/peek-client-hello.ts";
import { type AcmeSourceOptions, createAcmeSource } from "./acme-source.ts";
import { createChallengeResponder } from "./challenge-responder.ts";
import { usableChallengeTypes } from "./challenge.ts";

const skipOneWay = usableChallengeTypes().length < 2 && "this runtime cannot answer tls-alpn-01";
const never = { present: () => undefined, withdraw: () => undefined };

async function listen(server: Server): Promise<{ port: number } & AsyncDisposable> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    port: address !== null && typeof address === "object" ? address.port : 0,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      await closed;
    },
  };
}

/** A CA that looks at a responder of ours, on both ports. */
async function openPublicCa(options: { externalAccounts?: Record<string, string>; isDeaf?: boolean } = {}) {
  const stack = new AsyncDisposableStack();
  const responder = createChallengeResponder({ handshakeMs: 10_000 });
  const looks: string[] = [];
  const http = stack.use(
    await listen(createHttpServer((request, response) => {
      const text = responder.answer(request.url ?? "");
      looks.push("http-01");
      response.writeHead(text === undefined || options.isDeaf ? 404 : 200, { connection: "close" }).end(text);
    })),
  );
  const tls = stack.use(
    await listen(createServer(async (socket) => {
      const peeked = await peekClientHello(socket, { firstByteMs: 10_000, clientHelloMs: 10_000 });
      if (peeked.kind === "refused") return void socket.destroy();
      looks.push(peeked.hello.alpn.join());
      socket.unshift(peeked.bytes);
      if (!responder.accept(peeked.hello.serverName ?? "", socket)) socket.destroy();
    })),
  );
  const pebble = stack.use(await startPebble({ httpPort: http.port, tlsPort: tls.port, ...options }));
  const folder = stack.use(await createTemporaryFolder());
  const accountKeyPath = join(folder.path, "account.key");
  const createSource = (given: Partial<AcmeSourceOptions> = {}) =>
    createAcmeSource({
      ...{ ...pebble, accountKeyPath, board: responder, agreesToTerms: true, rootsPem: pebble.rootPem },
      email: "operator@a.test",
      ...given,
    });
  return { pebble, folder, accountKeyPath, looks, createSource, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

for (const type of usableChallengeTypes()) {
  test(`a certificate is obtained by ${type}`, { skip: skipWithoutPebble }, async () => {
    await using ca = await openPublicCa();
    const { keyPem, csrPem } = await createCertificateRequest("a.test");
    const chainPem = await ca.createSource({ challengeTypes: [type] }).obtain("a.test", csrPem);
    const { rootPem: rootsPem } = ca.pebble;
    checkCertificate({ chainPem, keyPem }, { hostname: "a.test", now: new Date(), rootsPem });
    assert.deepEqual(new Set(ca.looks), new Set([type === "http-01" ? type : "acme-tls/1"]));
  });
}

test(
  "the account's key is kept with mode 0600 and is good for the next start",
  { skip: skipWithoutPebble },
  async () => {
    await using ca = await openPublicCa();
    const request = await createCertificateRequest("a.test");
    await ca.createSource().obtain("a.test", request.csrPem);
    const key = await readFile(ca.accountKeyPath, "utf8");
    assert.equal((await stat(ca.accountKeyPath)).mode & 0o777, 0o600);
    await ca.createSource().obtain("a.test", request.csrPem);
    assert.equal(await readFile(ca.accountKeyPath, "utf8"), key);
  },
);

test(
  "what the CA finds is told, and another way has its turn after a failure",
  { skip: skipWithoutPebble || skipOneWay },
  async () => {
    await using ca = await openPublicCa({ isDeaf: true });
    const { csrPem } = await createCertificateRequest("a.test");
    const source = ca.createSource({ challengeTypes: ["http-01", "tls-alpn-01"] });
    await assert.rejects(source.obtain("a.test", csrPem), {
      code: "upstream-failed",
      message: /Cannot obtain a certificate for "a.test": the CA refuses: .*404/,
    });
    new X509Certificate(await source.obtain("a.test", csrPem));
    assert.deepEqual(new Set(ca.looks), new Set(["http-01", "acme-tls/1"]));
  },
);

test("an account is bound to one elsewhere when the CA wants that", { skip: skipWithoutPebble }, async () => {
  const hmacKey = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
  await using ca = await openPublicCa({ externalAccounts: { "kid-1": hmacKey } });
  const { csrPem } = await createCertificateRequest("a.test");
  await assert.rejects(ca.createSource().obtain("a.test", csrPem), { code: "upstream-failed" });
  new X509Certificate(
    await ca.createSource({ externalAccount: { keyId: "kid-1", hmacKey } }).obtain("a.test", csrPem),
  );
});

test("a keeper serves a public certificate under the public root", { skip: skipWithoutPebble }, async () => {
  await using ca = await openPublicCa();
  const served: string[] = [];
  const keeper = createCertificateKeeper({
    source: { obtain: () => Promise.reject(new Error("not asked")) },
    acme: ca.createSource(),
    files: createCertificateFiles(ca.folder.path),
    rootsPem: () => Promise.resolve("another root"),
    onCertificate: (hostname) => void served.push(hostname),
    onChange: () => undefined,
    now: () => new Date(),
    log: silentLog,
  });
  try {
    keeper.want(new Set(["a.test"]), new Set(["a.test"]));
    const state = await waitUntil(() => {
      const now = keeper.state("a.test");
      return now === "pending" ? undefined : now;
    }, { action: "see the certificate", timeoutMs: 20_000, intervalMs: 10 });
    assert.ok(!("problem" in state), JSON.stringify(state));
    assert.equal(state.origin, "acme");
    assert.deepEqual(served, ["a.test"]);
  } finally {
    await keeper.stop();
  }
});

/** A source at a CA that is only an HTTP server, and how often that was asked. */
async function openFakeCa(listener: RequestListener) {
  const folder = await createTemporaryFolder();
  let requests = 0;
  const server = createHttpServer((request, response) => {
    requests += 1;
    listener(request, response);
  });
  const listening = await listen(server);
  const source = createAcmeSource({
    directoryUrl: `http://127.0.0.1:${listening.port}/dir`,
    accountKeyPath: join(folder.path, "account.key"),
    agreesToTerms: true,
    board: never,
  });
  return {
    source,
    requests: () => requests,
    async [Symbol.asyncDispose]() {
      await listening[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test("a CA that says it is asked too much is left alone for all names", async () => {
  for (const status of [429, 503]) {
    await using ca = await openFakeCa((_request, response) => {
      response.writeHead(status, { "retry-after": "7200", "connection": "close" }).end();
    });
    const wait = async (hostname: string) => {
      const error = await ca.source.obtain(hostname, "").then(() => undefined, (reason: unknown) => reason);
      assert.ok(error instanceof PlatformError);
      assert.equal(error.code, "rate-limited");
      return Number(error.details["retryAfterMs"]);
    };
    assert.equal(await wait("a.test"), 7_200_000);
    const others = await wait("b.test");
    assert.ok(others > 590_000 && others <= 600_000, `${others}`);
    assert.equal(ca.requests(), 1, "asked once for both");
  }
});

test("a CA that cannot be reached, or is none, is told", async () => {
  await using none = await openFakeCa((_request, response) => void response.writeHead(404).end());
  await assert.rejects(none.source.obtain("a.test", ""), { code: "upstream-failed", message: /returned error 404/ });
  await using broken = await openFakeCa((request) => request.socket.destroy());
  await assert.rejects(broken.source.obtain("a.test", ""), { code: "unavailable", message: /Cannot reach the CA/ });
  assert.equal(broken.requests(), 1);
});

test("wildcard names and terms that are not agreed to are refused", async () => {
  await using ca = await openFakeCa((_request, response) => void response.end());
  await assert.rejects(ca.source.obtain("*.a.test", ""), { code: "unsupported" });
  assert.equal(ca.requests(), 0);
  const options = {
    directoryUrl: "http://127.0.0.1:9/dir",
    accountKeyPath: "none",
    agreesToTerms: false,
    board: never,
  };
  assert.throws(() => createAcmeSource(options), { code: "invalid-config" });
});
