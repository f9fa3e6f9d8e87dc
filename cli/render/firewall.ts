import type { FirewallView } from "#shared/contract/edge-views.ts";
import type { FirewallHits } from "#shared/contract/state.ts";
import type { Style } from "./style.ts";

/** Entries of a list that are shown; `--json` has all. */
const shownEntries = 20;

/** What holds at a node, or what all nodes share; what is the node's own is marked. */
export function formatFirewall(view: FirewallView, style: Style): string {
  const { node, own, effective, nodesWithRules, hits } = view;
  const isOwn = (list: readonly string[]) => (entry: string) =>
    node !== null && list.includes(entry) ? `${entry} *` : entry;
  const { connectionLimit, maxConnectionsPerAddress } = effective;
  const lines: readonly (readonly [string, string])[] = [
    ["Blocked", list(effective.blockedAddresses.map(isOwn(own.blockedAddresses)))],
    ["Countries", list(effective.blockedCountries.map(isOwn(own.blockedCountries)))],
    ["Never refused", list(effective.allowedAddresses.map(isOwn(own.allowedAddresses)))],
    [
      "New connections",
      connectionLimit === undefined
        ? "no limit"
        : `${connectionLimit.count} in ${connectionLimit.windowSeconds} s a client`,
    ],
    ["Open connections", maxConnectionsPerAddress === undefined ? "no limit" : `${maxConnectionsPerAddress} a client`],
    ["Mode", effective.shadow ? style.yellow("only counts (shadow)") : "refuses"],
    ...(hits === null ? [] : [["Refused so far", formatHits(hits)] as const]),
  ];
  const title = node === null ? "All nodes" : `Node ${node}`;
  const body = lines.map(([name, text]) => `  ${style.dim(name.padEnd(16))}  ${text}\n`).join("");
  return `${style.bold(title)}\n${body}${formatRemark(node, nodesWithRules)}`;
}

function formatRemark(node: string | null, nodesWithRules: readonly string[]): string {
  if (node !== null) return nodesWithRules.includes(node) ? "* set for this node only\n" : "";
  return nodesWithRules.length === 0 ? "" : `Nodes with rules of their own: ${nodesWithRules.join(", ")}\n`;
}

function list(entries: readonly string[]): string {
  if (entries.length === 0) return "-";
  const more = entries.length - shownEntries;
  return entries.slice(0, shownEntries).join(", ") + (more > 0 ? `, and ${more} more` : "");
}

/** What a firewall refused, or would have refused, by rule. */
export function formatHits({ refused, shadowed = {} }: FirewallHits): string {
  const parts = [
    ...Object.entries(refused).map(([rule, count]) => `${rule} ${count}`),
    ...Object.entries(shadowed).map(([rule, count]) => `${rule} ${count} (shadow)`),
  ];
  return parts.length === 0 ? "nothing" : parts.join(", ");
}
