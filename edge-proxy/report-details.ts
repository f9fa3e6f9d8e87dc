import type { CertificateReport, FirewallHits, ProxyReport } from "#shared/contract/state.ts";
import type { CertificateState } from "./certificates/certificate-keeper.ts";
import type { DataPlane, PlaneFacts } from "./data-plane.ts";

/** What details are made from. */
export interface ReportDetailsSources {
  readonly plane: Pick<DataPlane, "ports" | "workers" | "table">;
  readonly address: string;
  readonly certificate: (hostname: string) => CertificateState;
  /** What was known of the data plane not long ago. */
  readonly facts: PlaneFacts | undefined;
  /** Revision of the firewall's feed that was applied last. */
  readonly firewallRevision: number | undefined;
}

/** Most certificates of a report: every report carries all of them. Those with a problem come first. */
const maxCertificates = 1_000;

/** What a report says besides what serves: what people ask a proxy for. */
export function reportDetails(
  { plane, address, certificate, facts, firewallRevision }: ReportDetailsSources,
): Omit<ProxyReport, "appliedRevision" | "problems" | "draining"> {
  const staticRoutes = [...plane.table.routes()].filter(({ origin }) => origin === "static");
  return {
    workers: plane.workers(),
    listeners: plane.ports().map((port) => `${address.includes(":") ? `[${address}]` : address}:${port}`),
    certificates: listCertificates(plane.table.tlsNames, certificate),
    ...(staticRoutes.length === 0 ? {} : { staticRoutes }),
    ...(firewallRevision === undefined ? {} : { firewallRevision }),
    ...(facts === undefined ? {} : {
      openConnections: facts.openConnections,
      firewallHits: toFirewallHits(facts.firewallHits),
    }),
  };
}

function listCertificates(
  hostnames: ReadonlySet<string>,
  certificate: (hostname: string) => CertificateState,
): CertificateReport[] {
  const sound: CertificateReport[] = [];
  const troubled: CertificateReport[] = [];
  for (const hostname of hostnames) {
    const report = toCertificateReport(hostname, certificate(hostname));
    if (report.problem !== undefined) troubled.push(report);
    else if (sound.length < maxCertificates) sound.push(report);
  }
  return [...troubled, ...sound].slice(0, maxCertificates);
}

function toCertificateReport(hostname: string, state: CertificateState): CertificateReport {
  if (state === "pending") return { hostname, source: "platform" };
  if (!("notAfter" in state)) return { hostname, source: "platform", problem: state.problem.slice(0, 2_000) };
  const { notAfter, origin, renewalProblem } = state;
  return {
    hostname,
    source: origin === "supplied" ? "operator" : origin,
    notAfter: notAfter.toISOString(),
    ...(renewalProblem === undefined ? {} : { problem: renewalProblem.slice(0, 2_000) }),
  };
}

/** Hits by kind of rule: the rules themselves may be thousands. */
function toFirewallHits(hits: PlaneFacts["firewallHits"]): FirewallHits {
  const refused = new Map<string, number>();
  const shadowed = new Map<string, number>();
  for (const { rule, ...counts } of hits) {
    const kind = kindOf(rule);
    for (const [map, count] of [[refused, counts.refused], [shadowed, counts.shadowed]] as const) {
      if (count > 0) map.set(kind, (map.get(kind) ?? 0) + count);
    }
  }
  return {
    refused: Object.fromEntries(refused),
    ...(shadowed.size === 0 ? {} : { shadowed: Object.fromEntries(shadowed) }),
  };
}

function kindOf(rule: string): string {
  if (rule.startsWith("address:")) return "blocked-address";
  if (rule.startsWith("country:")) return "blocked-country";
  return rule === "limit:connection-rate" ? "connection-limit" : "connection-cap";
}
