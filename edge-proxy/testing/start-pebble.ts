import { spawn, spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { get } from "node:https";
import { createServer } from "node:net";
import { join } from "node:path";
import { decode, encode } from "dns-packet";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import { createTemporaryFolder } from "#shared/store/temporary-folder.ts";
import { createTestAuthority } from "./test-authority.ts";

/** Why tests with the ACME server Pebble are skipped, or `false` when it is there. */
export const skipWithoutPebble: string | false = spawnSync("pebble", ["-h"]).error === undefined
  ? false
  : "pebble is not installed";

/** A public CA on loopback that looks at names where a test wants it to; every name is 127.0.0.1 to it. */
export interface Pebble extends AsyncDisposable {
  readonly directoryUrl: string;
  /** Root of its own HTTPS server's certificate. */
  readonly caPem: string;
  /** Root of the certificates that it issues. */
  readonly rootPem: string;
}

/** Where Pebble looks for challenges, and what it wants of accounts. */
export interface PebbleOptions {
  readonly httpPort: number;
  readonly tlsPort: number;
  /** Accounts elsewhere that one must be bound to, with their keys in base64url. */
  readonly externalAccounts?: Readonly<Record<string, string>>;
}

/** Starts Pebble from Debian, without its pauses. */
export async function startPebble(options: PebbleOptions): Promise<Pebble> {
  const folder = await createTemporaryFolder();
  const authority = await createTestAuthority();
  const { chainPem, keyPem } = await authority.issue("localhost");
  const [port, managementPort] = await Promise.all([freePort(), freePort()]);
  const at = (name: string) => join(folder.path, name);
  await writeFile(at("chain.pem"), chainPem);
  await writeFile(at("key.pem"), keyPem);
  await writeFile(
    at("config.json"),
    JSON.stringify({
      pebble: {
        listenAddress: `127.0.0.1:${port}`,
        managementListenAddress: `127.0.0.1:${managementPort}`,
        certificate: at("chain.pem"),
        privateKey: at("key.pem"),
        httpPort: options.httpPort,
        tlsPort: options.tlsPort,
        externalAccountBindingRequired: options.externalAccounts !== undefined,
        externalAccountMACKeys: options.externalAccounts ?? {},
      },
    }),
  );
  const dns = await startDns();
  const program = spawn("pebble", ["-config", at("config.json"), "-dnsserver", `127.0.0.1:${dns.port}`], {
    env: { PATH: "/usr/bin:/bin:/usr/local/bin", PEBBLE_VA_NOSLEEP: "1", PEBBLE_AUTHZREUSE: "0" },
    stdio: "ignore",
  });
  const caPem = authority.rootPem;
  const readRoot = () => read(`https://localhost:${managementPort}/roots/0`, caPem).catch(() => undefined);
  const rootPem = await waitUntil(readRoot, { action: "reach Pebble", timeoutMs: 20_000 });
  return {
    directoryUrl: `https://localhost:${port}/dir`,
    caPem,
    rootPem,
    async [Symbol.asyncDispose]() {
      const ended = once(program, "exit");
      program.kill();
      await ended;
      await dns.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** A DNS server that knows one address for every name, and nothing else. */
async function startDns(): Promise<{ port: number; close: () => Promise<void> }> {
  const socket = createSocket("udp4");
  socket.on("message", (bytes, peer) => {
    const { id, questions } = decode(bytes);
    const answers = (questions ?? []).filter(({ type }) => type === "A").map(({ name }) =>
      ({ type: "A", name, ttl: 1, data: "127.0.0.1" }) as const
    );
    const flags = 0x0400;
    const answer = encode({
      type: "response",
      flags,
      answers,
      ...(id === undefined ? {} : { id }),
      ...(questions && { questions }),
    });
    socket.send(answer, peer.port, peer.address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return {
    port: socket.address().port,
    async close() {
      const closed = once(socket, "close");
      socket.close();
      await closed;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const closed = once(server, "close");
  server.close();
  await closed;
  return address !== null && typeof address === "object" ? address.port : 0;
}

function read(url: string, ca: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  get(url, { ca, agent: false }, (response) => {
    let body = "";
    response.on("data", (chunk) => body += String(chunk)).on("error", reject).on("end", () => resolve(body));
  }).on("error", reject);
  return promise;
}
