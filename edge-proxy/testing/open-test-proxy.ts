import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Backend, Route } from "#shared/contract/route.ts";
import type { ProxyReport } from "#shared/contract/state.ts";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import { silentLog } from "#shared/log/log.ts";
import { createCertificateFiles } from "../certificates/certificate-files.ts";
import type { CertificateSource } from "../certificates/certificate-keeper.ts";
import { createMetrics, type ProxyMetrics } from "../metrics.ts";
import { openProxy, type Proxy, type ProxyOptions } from "../proxy.ts";
import { createTestAuthority, type TestAuthority } from "./test-authority.ts";

/** A proxy on loopback with everything a test looks at. */
export interface TestProxy extends AsyncDisposable {
  readonly proxy: Proxy;
  readonly authority: TestAuthority;
  readonly metrics: ProxyMetrics;
  /** Every report so far, oldest first. */
  readonly reports: ProxyReport[];
  /** Applies routes and waits until they serve or have a problem. */
  serve(...routes: Route[]): Promise<void>;
  /** Resolves with the first report from now or before that passes `test`. */
  reported(test: (report: ProxyReport) => boolean): Promise<ProxyReport>;
}

/** What a test may replace. */
export interface TestProxyOptions extends
  Pick<
    Partial<ProxyOptions>,
    "limits" | "now" | "aliasPorts" | "log" | "rootsPem" | "settings" | "openPlane" | "port"
  > {
  readonly authority?: TestAuthority;
  readonly certificates?: CertificateSource;
  readonly folder?: string;
}

/** A proxy without routes, on a free port, with an authority of its own. */
export async function openTestProxy(options: TestProxyOptions = {}): Promise<TestProxy> {
  const folder = options.folder ?? await mkdtemp(join(tmpdir(), "edge-proxy-"));
  const authority = options.authority ?? await createTestAuthority();
  const metrics = createMetrics();
  const reports: ProxyReport[] = [];
  const proxy = await openProxy({
    address: "127.0.0.1",
    port: options.port ?? 0,
    ...(options.settings === undefined ? {} : { settings: options.settings }),
    ...(options.openPlane === undefined ? {} : { openPlane: options.openPlane }),
    aliasPorts: options.aliasPorts ?? [443],
    certificates: options.certificates ?? authority,
    certificateFiles: createCertificateFiles(folder),
    rootsPem: options.rootsPem ?? (() => Promise.resolve(authority.rootPem)),
    report: (report) => void reports.push(report),
    metrics,
    log: options.log ?? silentLog,
    now: options.now ?? (() => new Date()),
    certificateRetry: { minMs: 5, maxMs: 20 },
    limits: { drainMs: 2_000, ...options.limits },
  });
  let revision = 0;
  const reported = (test: (report: ProxyReport) => boolean) =>
    waitUntil(() => reports.findLast(test), { action: "see a report", timeoutMs: 10_000, intervalMs: 5 });
  return {
    proxy,
    authority,
    metrics,
    reports,
    reported,
    async serve(...routes) {
      revision += 1;
      proxy.apply(routes, revision);
      await reported(({ appliedRevision }) => appliedRevision === revision);
    },
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      if (options.folder === undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A route at external port 443, which ends at the main listener. */
export function routeTo(hostname: string, mode: Route["mode"], ...backends: Backend[]): Route {
  return { hostname, port: 443, mode, service: "web", component: "web", backends };
}

/** A backend on loopback. */
export function backendAt(port: number, instance = "web-1"): Backend {
  return { instance, address: "127.0.0.1", port };
}
