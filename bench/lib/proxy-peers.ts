import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { answersHttps, benchHost } from "./h2load.ts";
import { startHaproxy } from "./haproxy.ts";
import { nginxHttpDefaults, startNginx, toNginxConfig } from "./nginx.ts";
import { type Background, cores, findBenchPort, findPeer, startBackground, waitForStart } from "./processes.ts";
import type { ProxyStand, ProxyUnderTest } from "./proxy-stand.ts";

/** Starts one peer at a port; `undefined` when it is not installed. */
type StartPeer = (stand: ProxyStand, port: number) => Promise<Background | undefined>;

/** The installed peers among those that terminate TLS; all offer HTTP/2 and HTTP/1.1. */
export function startL7Peers(stand: ProxyStand): Promise<ProxyUnderTest[]> {
  return startPeers(stand, { nginx: startNginxL7, haproxy: startHaproxyL7, caddy: startCaddyL7 });
}

/** The installed peers among those that pass TLS through by SNI. */
export function startL4Peers(stand: ProxyStand): Promise<ProxyUnderTest[]> {
  return startPeers(stand, { nginx: startNginxL4, haproxy: startHaproxyL4 });
}

async function startPeers(stand: ProxyStand, peers: Readonly<Record<string, StartPeer>>): Promise<ProxyUnderTest[]> {
  const started: ProxyUnderTest[] = [];
  for (const [name, start] of Object.entries(peers)) {
    const port = await findBenchPort();
    const server = await start(stand, port);
    if (server === undefined) continue;
    stand.processes.use(server);
    await waitForStart(name, server, () => answersHttps(port, "/1k"));
    started.push({ name, port, server });
  }
  return started;
}

async function startNginxL7({ folder, httpPort }: ProxyStand, port: number): Promise<Background | undefined> {
  const nginx = findPeer("nginx", "nginx");
  if (nginx === undefined) return undefined;
  const http = `${nginxHttpDefaults}
    upstream backend { server 127.0.0.1:${httpPort}; keepalive 256; keepalive_requests 1000000000; }
    server {
      listen 127.0.0.1:${port} ssl http2; ssl_certificate chain.pem; ssl_certificate_key key.pem;
      location / { proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection ""; }
    }`;
  const config = toNginxConfig("nginx-l7", `http { ${http} }`);
  return await startNginx(nginx, { folder, name: "nginx-l7", config, core: cores.server });
}

async function startNginxL4({ folder, httpsPort }: ProxyStand, port: number): Promise<Background | undefined> {
  const nginx = findPeer("nginx", "nginx");
  const streamModule = "/usr/lib/nginx/modules/ngx_stream_module.so";
  if (nginx === undefined) return undefined;
  if (!existsSync(streamModule)) {
    process.stderr.write("nginx cannot pass TLS through and is left out: apt-get install libnginx-mod-stream\n");
    return undefined;
  }
  const stream = `map $ssl_preread_server_name $backend { ${benchHost} 127.0.0.1:${httpsPort}; }
    server { listen 127.0.0.1:${port}; ssl_preread on; proxy_pass $backend; }`;
  const config = toNginxConfig("nginx-l4", `stream { ${stream} }`, `load_module ${streamModule};`);
  return await startNginx(nginx, { folder, name: "nginx-l4", config, core: cores.server });
}

async function startHaproxyL7({ folder, httpPort }: ProxyStand, port: number): Promise<Background | undefined> {
  const haproxy = findPeer("haproxy", "haproxy");
  if (haproxy === undefined) return undefined;
  const sections = `frontend l7
  mode http
  bind 127.0.0.1:${port} ssl crt ${join(folder, "both.pem")} alpn h2,http/1.1
  default_backend backend
backend backend
  mode http
  http-reuse always
  server backend 127.0.0.1:${httpPort}
`;
  return await startHaproxy(haproxy, join(folder, "haproxy-l7.cfg"), sections);
}

async function startHaproxyL4({ folder, httpsPort }: ProxyStand, port: number): Promise<Background | undefined> {
  const haproxy = findPeer("haproxy", "haproxy");
  if (haproxy === undefined) return undefined;
  const sections = `frontend l4
  mode tcp
  bind 127.0.0.1:${port}
  tcp-request inspect-delay 5s
  tcp-request content accept if { req_ssl_hello_type 1 }
  use_backend backend if { req_ssl_sni -i ${benchHost} }
backend backend
  mode tcp
  server backend 127.0.0.1:${httpsPort}
`;
  return await startHaproxy(haproxy, join(folder, "haproxy-l4.cfg"), sections);
}

async function startCaddyL7({ folder, httpPort }: ProxyStand, port: number): Promise<Background | undefined> {
  const caddy = findPeer("caddy", "caddy");
  if (caddy === undefined) return undefined;
  const path = join(folder, "Caddyfile");
  await writeFile(
    path,
    `{
  admin off
  auto_https off
}
https://${benchHost}:${port} {
  bind 127.0.0.1
  tls ${join(folder, "chain.pem")} ${join(folder, "key.pem")} {
    protocols tls1.3
  }
  reverse_proxy 127.0.0.1:${httpPort}
}
`,
  );
  // One processor, as the others have one thread.
  const env = { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder, GOMAXPROCS: "1" };
  return startBackground(caddy, ["run", "--config", path, "--adapter", "caddyfile"], { env, core: cores.server });
}
