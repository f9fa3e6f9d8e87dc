import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Backend, Route, type RouteMode } from "#shared/contract/route.ts";
import { answersHttps, benchHost } from "./h2load.ts";
import { keepFeedState } from "./keep-feed-state.ts";
import { waitForStart } from "./processes.ts";
import type { ProxyStand, ProxyUnderTest } from "./proxy-stand.ts";
import { type ProgramRun, startOurProgram } from "./start-our-program.ts";

/** How our proxy is started. */
export interface OurProxyOptions {
  readonly port: number;
  readonly routes: readonly Route[];
  readonly run: ProgramRun;
  /** The section of the configuration that says where changes come from; none unless given. */
  readonly controlPlane?: Readonly<Record<string, string>>;
  /** Tells several of ours on one stand apart. */
  readonly name?: string;
}

/**
 * Our proxy on routes and a certificate from disk, as with the control plane down.
 *
 * @throws {PlatformError} unavailable — when it does not start; the message has what it said
 */
export async function startOurProxy(stand: ProxyStand, options: OurProxyOptions): Promise<ProxyUnderTest> {
  const { port, routes, run, name = "ours", controlPlane } = options;
  const folder = join(stand.folder, name);
  await mkdir(folder);
  await cp(join(stand.folder, "certs"), join(folder, "certs"), { recursive: true });
  const statePath = join(folder, "routes.state");
  await keepFeedState({ topic: "routes", schema: Route, entries: toEntries(routes), statePath });
  const config = {
    proxy: { node: "local", folder },
    listen: { address: "127.0.0.1", port },
    ...(controlPlane === undefined ? {} : { control_plane: controlPlane }),
  };
  const server = stand.processes.use(await startOurProgram("proxy", folder, config, run));
  await waitForStart(name, server, () => answersHttps(port, "/1k"));
  return { name, port, server };
}

/** The route under load and others, `count` together. The others pass TLS through: no certificate is wanted for them. */
export function manyRoutes(stand: ProxyStand, port: number, count: number): Route[] {
  const others = Array.from({ length: count - 1 }, (_, index) => otherRoute(stand, port, index));
  return [benchRoute(stand, "l7", port), ...others];
}

/** One of the routes that are not under load. */
export function otherRoute({ httpsPort }: ProxyStand, port: number, index: number): Route {
  return toRoute(`r${index}.test`, port, { mode: "l4", backendPort: httpsPort });
}

/** Entries of the feed. */
export function toEntries(routes: readonly Route[]): Readonly<Record<string, Route>> {
  return Object.fromEntries(routes.map((route) => [routeKeyOf(route), route]));
}

/** The route under load. */
export function benchRoute(stand: ProxyStand, mode: RouteMode, port: number): Route {
  return toRoute(benchHost, port, { mode, backendPort: mode === "l4" ? stand.httpsPort : stand.httpPort });
}

/** A route to one instance on this machine. */
export function toRoute(
  hostname: string,
  port: number,
  { mode, backendPort }: { readonly mode: RouteMode; readonly backendPort: number },
): Route {
  const backend: Backend = { instance: `backend-${backendPort}`, address: "127.0.0.1", port: backendPort };
  return { hostname, port, mode, service: "bench", component: "web", backends: [backend] };
}

/** Key of a route in the feed. */
export function routeKeyOf({ hostname, port }: Pick<Route, "hostname" | "port">): string {
  return `${hostname}:${port}`;
}
