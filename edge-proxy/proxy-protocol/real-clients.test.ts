import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { buildClientHello } from "../testing/client-hello-bytes.ts";
import { peekClientHello } from "../tls/peek-client-hello.ts";
import type { ProxyHeader } from "./proxy-header.ts";
import { readProxyHeader } from "./read-proxy-header.ts";

const run = promisify(execFile);
const trusting = { timeoutMs: 20_000, isTrusted: () => true };

/** Why a test must be skipped: the program or this option of it is missing. */
async function lacks(program: string, args: readonly string[], expected: RegExp): Promise<string | false> {
  try {
    const { stdout } = await run(program, [...args], { timeout: 20_000 });
    return expected.test(stdout) ? false : `${program} is too old`;
  } catch {
    return `${program} is not installed`;
  }
}

async function listen(t: TestContext, serve: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => socket.destroy()));
    serve(socket);
  });
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return await portOf(server.listen(0, "127.0.0.1"));
}

async function portOf(server: Server): Promise<number> {
  await once(server, "listening");
  const address: AddressInfo | string | null = server.address();
  assert.ok(address !== null && typeof address === "object");
  return address.port;
}

async function findFreePort(): Promise<number> {
  const server = createServer();
  const port = await portOf(server.listen(0, "127.0.0.1"));
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const noCurl = await lacks("curl", ["--help", "all"], /--haproxy-protocol/);
test("P2: curl --haproxy-protocol is understood", { skip: noCurl, timeout: 60_000 }, async (t) => {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const port = await listen(t, async (socket) => {
    resolve(await readProxyHeader(socket, trusting));
    const [request] = await once(socket, "data");
    assert.match(String(request), /^GET \/path HTTP\/1\.1\r\n/);
    socket.end("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
  });
  const url = `http://127.0.0.1:${port}/path`;
  const curl = await run("curl", ["-s", "-w", "%{http_code}", "--max-time", "20", "--haproxy-protocol", url]);
  assert.equal(curl.stdout, "204");
  const header = await promise;
  assert.ok(typeof header === "object" && header !== null && "source" in header && "destination" in header);
  assert.deepEqual(header.destination, { address: "127.0.0.1", port });
});

const noHaproxy = await lacks("haproxy", ["-v"], /version (2\.[2-9]|[3-9])/);
test("P3, P4: haproxy's send-proxy-v2 with TLVs and its LOCAL health check are understood", {
  skip: noHaproxy,
  timeout: 60_000,
}, async (t) => {
  const commands = { local: Promise.withResolvers<ProxyHeader>(), proxy: Promise.withResolvers<ProxyHeader>() };
  const serverName = Promise.withResolvers<string | undefined>();
  const port = await listen(t, async (socket) => {
    const header = await readProxyHeader(socket, trusting);
    if (header.kind !== "header") return;
    commands[header.command].resolve(header);
    if (header.command === "local") return;
    const peeked = await peekClientHello(socket, { firstByteMs: 20_000, clientHelloMs: 20_000 });
    serverName.resolve(peeked.kind === "hello" ? peeked.hello.serverName : undefined);
  });
  const frontPort = await startHaproxy(t, port);
  assert.equal((await commands.local.promise).source, undefined);
  const client = await connectPatiently(frontPort);
  t.after(() => client.destroy());
  const address = client.address();
  client.write(buildClientHello({ names: ["a.example"] }));
  const header = await commands.proxy.promise;
  assert.deepEqual(header.source, { address: "127.0.0.1", port: "port" in address ? address.port : 0 });
  assert.deepEqual(header.destination, { address: "127.0.0.1", port: frontPort });
  assert.equal(String(header.tlvs.uniqueId), "id-127.0.0.1");
  assert.equal(await serverName.promise, "a.example");
});

async function startHaproxy(t: TestContext, backendPort: number): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "haproxy-"));
  const port = await findFreePort();
  const file = join(folder, "haproxy.cfg");
  await writeFile(
    file,
    `defaults
  mode tcp
  timeout connect 10s
  timeout client 20s
  timeout server 20s
frontend front
  bind 127.0.0.1:${port}
  unique-id-format id-%[src]
  default_backend back
backend back
  server one 127.0.0.1:${backendPort} check check-send-proxy inter 1s send-proxy-v2 proxy-v2-options crc32c,unique-id
`,
  );
  const haproxy: ChildProcess = spawn("haproxy", ["-db", "-f", file], { stdio: "ignore" });
  const exited = once(haproxy, "exit");
  t.after(async () => {
    haproxy.kill("SIGKILL");
    await exited;
    await rm(folder, { recursive: true });
  });
  return port;
}

/** Connects as soon as somebody listens. */
async function connectPatiently(port: number): Promise<Socket> {
  for (;;) {
    const socket = connect(port, "127.0.0.1");
    try {
      await once(socket, "connect");
      return socket.on("error", () => socket.destroy());
    } catch {
      await setTimeout(20);
    }
  }
}
