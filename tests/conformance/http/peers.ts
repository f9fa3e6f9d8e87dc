import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import { toNginxConfig } from "../../../bench/lib/nginx.ts";
import { type Background, findBenchPort, findProgram, startBackground } from "../../../bench/lib/processes.ts";
import type { TlsMaterial } from "../../../edge-proxy/tls/host-servers.ts";

/** Another proxy in front of a backend. */
export interface Peer extends AsyncDisposable {
  readonly name: string;
  readonly port: number;
}

/** What a peer needs. */
export interface PeerOptions {
  /** For its files. */
  readonly folder: string;
  readonly backendPort: number;
  readonly material: TlsMaterial;
}

/** nginx as it comes, without limits on bodies; `undefined` when it is not installed. */
export async function startNginxPeer({ folder, backendPort, material }: PeerOptions): Promise<Peer | undefined> {
  const program = findProgram("nginx");
  if (program === undefined) return undefined;
  const port = await findBenchPort();
  const certificate = await writeMaterial(folder, material);
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) =>
    `${name}_temp_path ${folder}/${name};`
  );
  const config = toNginxConfig(
    "nginx",
    `http { access_log off; ${temporary.join(" ")}
    map $http_upgrade $connection_field { default upgrade; "" ""; }
    upstream backend { server 127.0.0.1:${backendPort}; keepalive 8; }
    server {
      listen 127.0.0.1:${port} ssl; ssl_certificate ${certificate}; ssl_certificate_key ${certificate};
      location / {
        proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Host $http_host;
        proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_field;
      }
    } }`,
  );
  const path = join(folder, "nginx.conf");
  await writeFile(path, config);
  return await ready("nginx", port, startBackground(program, ["-p", `${folder}/`, "-c", path, "-e", "nginx.err"]));
}

/** haproxy as it comes; `undefined` when it is not installed. */
export async function startHaproxyPeer({ folder, backendPort, material }: PeerOptions): Promise<Peer | undefined> {
  const program = findProgram("haproxy");
  if (program === undefined) return undefined;
  const port = await findBenchPort();
  const certificate = await writeMaterial(folder, material);
  const path = join(folder, "haproxy.cfg");
  await writeFile(
    path,
    `global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 10s
  timeout server 10s
frontend f
  bind 127.0.0.1:${port} ssl crt ${certificate} alpn http/1.1
  default_backend b
backend b
  server s 127.0.0.1:${backendPort}
`,
  );
  return await ready("haproxy", port, startBackground(program, ["-q", "-f", path]));
}

async function writeMaterial(folder: string, { chainPem, keyPem }: TlsMaterial): Promise<string> {
  const path = join(folder, "peer.pem");
  if (!existsSync(path)) await writeFile(path, chainPem + keyPem, { mode: 0o600 });
  return path;
}

async function ready(name: string, port: number, program: Background): Promise<Peer> {
  await waitUntil(async () => {
    const failure = program.failure();
    if (failure !== undefined) throw new Error(`${name} did not start: ${failure}`);
    return await accepts(port) ? true : undefined;
  }, { action: `start ${name}`, timeoutMs: 20_000, intervalMs: 50 });
  return { name, port, [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() };
}

function accepts(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, "127.0.0.1");
  socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
  return promise.finally(() => socket.destroy());
}
