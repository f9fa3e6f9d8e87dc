import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Fetch } from "#shared/contract/client.ts";
import { Route } from "#shared/contract/route.ts";
import { startFeedClient } from "#shared/feed/feed-client.ts";
import type { Running } from "#shared/lifecycle/run-program.ts";
import type { Log } from "#shared/log/log.ts";
import { serveAdmin } from "#shared/lifecycle/serve-admin.ts";
import { createAdmin } from "./admin.ts";
import { createCertificateFiles } from "./certificates/certificate-files.ts";
import type { ProxyConfig } from "./config.ts";
import { connectControlPlane } from "./control-plane.ts";
import { createMetrics } from "./metrics.ts";
import { openProxy } from "./proxy.ts";
import { startReporter } from "./reporter.ts";

/** What {@link startProxy} takes besides its configuration. */
export interface StartProxyDependencies {
  /** Receives everything that is logged. */
  readonly log: Log;
  /** Reaches the control plane; the runtime's own `fetch` unless given. */
  readonly fetch?: Fetch;
  /** Token for the control plane; from the enrolled identity unless given. */
  readonly token?: () => Promise<string>;
}

/** A running proxy. */
export interface RunningProxy extends Running {
  /** The bound addresses. */
  readonly ready: { readonly proxy: { readonly address: string; readonly port: number }; readonly admin?: string };
}

/**
 * Starts the proxy: the last good routes and certificates from disk serve first, so that it needs no control plane to start.
 *
 * @throws {PlatformError} conflict — when the main port is taken; unavailable — when the admin address is
 */
export async function startProxy(config: ProxyConfig, dependencies: StartProxyDependencies): Promise<RunningProxy> {
  const { log } = dependencies;
  const { rootFile } = config;
  const access = { fetch: (request: Request) => fetch(request), ...dependencies };
  const controlPlane = await connectControlPlane(config, access);
  const metrics = createMetrics();
  const stop = new AbortController();
  const stack = new AsyncDisposableStack();
  try {
    const reporter = startReporter({ send: controlPlane.report, log, signal: stop.signal });
    stack.defer(() => reporter.done);
    const proxy = await openProxy({
      address: config.address,
      port: config.port,
      aliasPorts: config.aliasPorts,
      certificates: controlPlane.certificates,
      certificateFiles: createCertificateFiles(join(config.folder, "certs")),
      ...(rootFile === undefined ? {} : { rootsPem: () => readFile(rootFile, "utf8") }),
      report: (report) => reporter.update(report),
      metrics,
      log,
      now: () => new Date(),
      limits: config.limits,
    });
    stack.use(proxy);
    const feed = await startFeedClient({
      topic: "routes",
      open: controlPlane.openRoutes,
      statePath: join(config.folder, "routes.state"),
      schema: Route,
      apply: ({ revision, entries }) => proxy.apply([...entries.values()], revision),
      log,
      signal: stop.signal,
    });
    stack.defer(() => feed.done);
    const ready = { proxy: { address: config.address, port: proxy.port } };
    const admin = config.adminListen && await serveAdmin(createAdmin({ proxy }), config.adminListen);
    if (admin !== undefined) stack.use(admin);
    stack.defer(() => stop.abort());
    log.info("the proxy serves", { ...ready, revision: feed.state.revision });
    const dispose = () => stack.disposeAsync();
    return { ready: admin ? { ...ready, admin: admin.url } : ready, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    stop.abort();
    await stack.disposeAsync();
    throw error;
  }
}
