import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createCertificateFiles } from "../../edge-proxy/certificates/certificate-files.ts";
import { createTestAuthority } from "../../edge-proxy/testing/test-authority.ts";
import { Route, type RouteMode } from "#shared/contract/route.ts";
import { benchHost } from "./h2load.ts";
import { keepFeedState } from "./keep-feed-state.ts";
import {
  type Background,
  cores,
  findBenchPort,
  requireProgram,
  startBackground,
  temporaryFolder,
} from "./processes.ts";
import { startOurProgram } from "./start-our-program.ts";

/** Size of the file `/big`. */
export const bigMegabytes = 64;

/** What the proxies of a benchmark share. */
export interface ProxyStand extends AsyncDisposable {
  /** Holds `chain.pem`, `key.pem` and `both.pem` for the benchmark's host, and whatever a peer writes. */
  readonly folder: string;
  /** Port of the backend over plain HTTP. */
  readonly httpPort: number;
  /** Port of the backend over TLS. */
  readonly httpsPort: number;
  /** Ends what was started on the stand, and then the stand. */
  readonly processes: AsyncDisposableStack;
}

/** A server that a benchmark drives. */
export interface ProxyUnderTest {
  readonly name: string;
  readonly port: number;
  readonly server: Background;
}

/** Certificates, and an nginx as backend with the files `/1k` and `/big`, on the core for load. */
export async function openProxyStand(): Promise<ProxyStand> {
  const nginx = requireProgram("nginx", "nginx");
  await using stack = new AsyncDisposableStack();
  const { path: folder } = stack.use(await temporaryFolder());
  await chmod(folder, 0o755);
  const authority = await createTestAuthority();
  const { chainPem, keyPem } = await authority.issue(benchHost);
  await createCertificateFiles(join(folder, "certs")).save(benchHost, { chainPem, keyPem });
  await writeFile(join(folder, "chain.pem"), chainPem);
  await writeFile(join(folder, "key.pem"), keyPem);
  await writeFile(join(folder, "both.pem"), chainPem + keyPem);
  await mkdir(join(folder, "www"));
  await writeFile(join(folder, "www/1k"), "x".repeat(1024));
  await writeFile(join(folder, "www/big"), new Uint8Array(bigMegabytes * 1e6));
  const [httpPort, httpsPort] = [await findBenchPort(), await findBenchPort()];
  const http = `${nginxHttpDefaults} root www;
    server { listen 127.0.0.1:${httpPort}; }
    server { listen 127.0.0.1:${httpsPort} ssl; ssl_certificate chain.pem; ssl_certificate_key key.pem; }`;
  const config = toNginxConfig("backend", `http { ${http} }`);
  stack.use(await startNginx(nginx, { folder, name: "backend", config, core: cores.load }));
  const processes = stack.move();
  return { folder, httpPort, httpsPort, processes, [Symbol.asyncDispose]: () => processes.disposeAsync() };
}

/** Our proxy with one route, its certificate and routes from disk as with the control plane down. */
export async function startOurProxy(stand: ProxyStand, mode: RouteMode): Promise<ProxyUnderTest> {
  const port = await findBenchPort();
  const backendPort = mode === "l4" ? stand.httpsPort : stand.httpPort;
  const backends = [{ instance: "backend", address: "127.0.0.1", port: backendPort }];
  const route = { hostname: benchHost, port, mode, service: "bench", component: "web", backends };
  await keepFeedState({
    topic: "routes",
    schema: Route,
    entries: { [`${benchHost}:${port}`]: route },
    statePath: join(stand.folder, "routes.state"),
  });
  const server = await startOurProgram("proxy", stand.folder, {
    proxy: { node: "local", folder: stand.folder },
    listen: { address: "127.0.0.1", port },
  });
  return { name: "ours", port, server: stand.processes.use(server) };
}

/** Settings of nginx's `http` block that all of ours share. */
export const nginxHttpDefaults = "access_log off; keepalive_requests 1000000000; ssl_protocols TLSv1.3;";

/** A configuration of nginx with one process, around `http` or `stream` blocks. */
export function toNginxConfig(name: string, blocks: string, loadModule = ""): string {
  return `${loadModule} daemon off; master_process off; pid ${name}.pid; error_log ${name}.err;
    events { worker_connections 8192; }
    ${blocks}\n`;
}

/** Starts nginx on a configuration. */
export async function startNginx(
  nginx: string,
  { folder, name, config, core }: { folder: string; name: string; config: string; core: number },
): Promise<Background> {
  const path = join(folder, `${name}.conf`);
  await writeFile(path, config);
  return startBackground(nginx, ["-p", `${folder}/`, "-c", path, "-e", `${name}.err`], { core });
}
