import type { ProxyView } from "#shared/contract/edge-views.ts";
import type { CertificateReport, ProxyReport } from "#shared/contract/state.ts";
import { formatAgo } from "./ago.ts";
import { formatHits } from "./firewall.ts";
import { printable, type Style } from "./style.ts";
import { formatTable } from "./table.ts";

interface Look {
  readonly style: Style;
  readonly now: Date;
}

/** A certificate that ends within this many days is marked. */
const soonDays = 14;
const dayMs = 86_400_000;

/** One section for each proxy. */
export function formatProxies(proxies: readonly ProxyView[], look: Look): string {
  return proxies.length === 0
    ? "No node has enrolled yet\n"
    : proxies.map((proxy) => formatProxy(proxy, look)).join("\n");
}

function formatProxy(proxy: ProxyView, look: Look): string {
  const { style } = look;
  const status = proxy.status === "ready" ? style.green("ready") : style.yellow("silent");
  const { report } = proxy;
  if (report === null) return `${style.bold(proxy.node)}: ${status}, its proxy has not reported yet\n`;
  const facts = listFacts(proxy, report);
  const lines = facts.map(([name, text]) => `  ${style.dim(name.padEnd(11))}  ${printable(text)}\n`).join("");
  const head = `${style.bold(proxy.node)}: ${status}, reported ${formatAgo(proxy.reportedAt, look.now)} ago\n`;
  return [head, lines, formatCertificates(report.certificates ?? [], look), formatProblems(report, style)].join("");
}

function listFacts(proxy: ProxyView, report: ProxyReport): (readonly [string, string])[] {
  const draining = Object.entries(report.draining).filter(([, count]) => count > 0);
  const facts: readonly (readonly [string, string | undefined])[] = [
    ["Version", report.version],
    ["Workers", report.workers?.toString()],
    ["Listens on", report.listeners?.join(", ")],
    ["Routes", formatRevision(report.appliedRevision, proxy.routesRevision)],
    [
      "Firewall",
      report.firewallRevision === undefined
        ? undefined
        : formatRevision(report.firewallRevision, proxy.firewallRevision),
    ],
    ["Static", report.staticRoutes === undefined ? undefined : `${report.staticRoutes.length} routes`],
    ["Connections", report.openConnections?.toString()],
    ["Draining", draining.length === 0 ? undefined : draining.map(([id, count]) => `${id} ${count}`).join(", ")],
    ["Refused", report.firewallHits === undefined ? undefined : formatHits(report.firewallHits)],
  ];
  return facts.flatMap(([name, text]) => text === undefined ? [] : [[name, text] as const]);
}

function formatRevision(applied: number, published: number): string {
  return applied >= published ? `revision ${applied}, all applied` : `revision ${applied}, behind ${published}`;
}

function formatCertificates(certificates: readonly CertificateReport[], { style, now }: Look): string {
  if (certificates.length === 0) return "";
  const isSoon = ({ notAfter }: CertificateReport) =>
    notAfter === undefined || Date.parse(notAfter) - now.getTime() < soonDays * dayMs;
  return formatTable(certificates, [
    { heading: "CERTIFICATE", cell: ({ hostname }) => hostname },
    { heading: "FROM", cell: ({ source }) => source },
    {
      heading: "ENDS IN",
      cell: ({ notAfter }) => formatLeft(notAfter, now),
      paint: (text, row) => isSoon(row) ? style.yellow(text) : text,
    },
    { heading: "PROBLEM", cell: ({ problem }) => problem ?? "-" },
  ], style.dim);
}

function formatLeft(notAfter: string | undefined, now: Date): string {
  if (notAfter === undefined) return "none yet";
  const leftMs = Date.parse(notAfter) - now.getTime();
  if (leftMs <= 0) return "ended";
  return leftMs < dayMs ? `${Math.floor(leftMs / 3_600_000)}h` : `${Math.floor(leftMs / dayMs)}d`;
}

function formatProblems({ problems }: ProxyReport, style: Style): string {
  return Object.entries(problems).map(([key, text]) => `${style.red("✗")} ${printable(`${key}: ${text}`)}\n`).join("");
}
