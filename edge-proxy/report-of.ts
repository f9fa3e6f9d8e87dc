import type { Route } from "#shared/contract/route.ts";
import type { ProxyReport } from "#shared/contract/state.ts";
import type { CertificateState } from "./certificates/certificate-keeper.ts";
import type { PortState } from "./extra-ports.ts";
import type { InstanceLoad } from "./instance-load.ts";
import { routeKey, type RouteTable } from "./routes.ts";

/** What a report is made from. */
export interface ReportSources {
  /** What is known of an extra port. */
  readonly port: (port: number) => PortState;
  /** What is known of a certificate. */
  readonly certificate: (hostname: string) => CertificateState;
  /** What runs where. */
  readonly load: Pick<InstanceLoad, "outside">;
}

/** What can be said about `table`, and whether each of its routes serves or has a reason why not. */
export function reportOf(
  table: RouteTable,
  sources: ReportSources,
): Pick<ProxyReport, "problems" | "draining"> & { readonly isSettled: boolean } {
  const problems: Record<string, string> = {};
  let isSettled = true;
  for (const route of table.routes) {
    const state = stateOf(route, table, sources);
    if (state === "pending") isSettled = false;
    if (typeof state === "object") problems[routeKey(route)] = state.problem.slice(0, 2000);
  }
  return { problems, draining: sources.load.outside(table.instances), isSettled };
}

function stateOf(
  route: Route,
  table: RouteTable,
  sources: ReportSources,
): "serves" | "pending" | { readonly problem: string } {
  const port = table.extraPorts.has(route.port) ? sources.port(route.port) : "open";
  if (typeof port === "object") return port;
  const certificate = route.mode === "l7" ? sources.certificate(route.hostname) : undefined;
  if (typeof certificate === "object" && "problem" in certificate) return certificate;
  return port === "opening" || certificate === "pending" ? "pending" : "serves";
}
