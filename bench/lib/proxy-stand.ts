import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createCertificateFiles } from "../../edge-proxy/certificates/certificate-files.ts";
import { createTestAuthority } from "../../edge-proxy/testing/test-authority.ts";
import { answersHttps, benchHost } from "./h2load.ts";
import { nginxHttpDefaults, startNginx, toNginxConfig } from "./nginx.ts";
import {
  type Background,
  cores,
  findBenchPort,
  requireProgram,
  stayOnLoadCore,
  temporaryFolder,
  waitForStart,
} from "./processes.ts";

/** Size of the file `/big`. */
export const bigMegabytes = 64;

/** What the proxies of a benchmark share. */
export interface ProxyStand extends AsyncDisposable {
  /** Holds `chain.pem`, `key.pem` and `both.pem` for the benchmark's host, and whatever a peer writes. */
  readonly folder: string;
  /** A file of 64 KiB to send. */
  readonly uploadPath: string;
  /** Port of the backend over plain HTTP. */
  readonly httpPort: number;
  /** A second port of the same backend: to a proxy it is another instance. */
  readonly otherHttpPort: number;
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

/**
 * Certificates, and an nginx as backend on the core for load: `/1k` from memory, `/64k` and `/big` from files, `/empty`, and `/sink`
 * that takes a body. This process stays on the core for load as well.
 *
 * @throws {PlatformError} unavailable — when nginx is not installed or does not start
 */
export async function openProxyStand(): Promise<ProxyStand> {
  const nginx = requireProgram("nginx", "nginx");
  await stayOnLoadCore();
  await using stack = new AsyncDisposableStack();
  const { path: folder } = stack.use(await temporaryFolder());
  await chmod(folder, 0o755);
  await writeCertificates(folder);
  await mkdir(join(folder, "www"));
  await writeFile(join(folder, "www/64k"), new Uint8Array(65_536));
  await writeFile(join(folder, "www/big"), new Uint8Array(bigMegabytes * 1e6));
  const [httpPort, otherHttpPort, httpsPort] = [await findBenchPort(), await findBenchPort(), await findBenchPort()];
  const config = toBackendConfig(`listen 127.0.0.1:${httpPort}; listen 127.0.0.1:${otherHttpPort};`, httpsPort);
  const backend = stack.use(await startNginx(nginx, { folder, name: "backend", config, core: cores.load }));
  await waitForStart("the backend", backend, () => answersHttps(httpsPort, "/1k"));
  const processes = stack.move();
  return {
    folder,
    uploadPath: join(folder, "www/64k"),
    httpPort,
    otherHttpPort,
    httpsPort,
    processes,
    [Symbol.asyncDispose]: () => processes.disposeAsync(),
  };
}

async function writeCertificates(folder: string): Promise<void> {
  const authority = await createTestAuthority();
  const { chainPem, keyPem } = await authority.issue(benchHost);
  await createCertificateFiles(join(folder, "certs")).save(benchHost, { chainPem, keyPem });
  await writeFile(join(folder, "chain.pem"), chainPem);
  await writeFile(join(folder, "key.pem"), keyPem);
  await writeFile(join(folder, "both.pem"), chainPem + keyPem);
}

/** `return` needs no file system: what the backend saves, the load generator has. */
function toBackendConfig(plainListen: string, httpsPort: number): string {
  const locations = `location = /1k { return 200 "${"x".repeat(1024)}"; }
    location = /empty { return 204; }
    location = /sink { return 200; }`;
  const tls = `listen 127.0.0.1:${httpsPort} ssl; ssl_certificate chain.pem; ssl_certificate_key key.pem;`;
  const http = `${nginxHttpDefaults} root www; sendfile on; open_file_cache max=16 inactive=600s;
    server { ${plainListen} ${locations} }
    server { ${tls} ${locations} }`;
  return toNginxConfig("backend", `http { ${http} }`);
}
