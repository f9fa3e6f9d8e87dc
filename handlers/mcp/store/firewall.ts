import { FirewallPart } from "#shared/contract/edge-views.ts";
import type { Sql } from "#shared/store/database.ts";
import { FirewallRow } from "./rows.ts";

/** Scope of what all nodes share; no node is named so. */
const allNodes = "*";

/** What was set for a node, or, without one, for all of them; empty when nothing was. */
export async function getFirewallPart(sql: Sql, node?: string): Promise<FirewallPart> {
  const row = await sql.first("SELECT scope, rules FROM firewall WHERE scope = ?", [node ?? allNodes]);
  return row === undefined ? FirewallPart.parse({}) : FirewallRow.parse(row).rules;
}

/** Stores what was set for a node, or, without one, for all of them; nothing is kept of a part that says nothing. */
export async function putFirewallPart(tx: Sql, node: string | undefined, part: FirewallPart): Promise<void> {
  const scope = node ?? allNodes;
  if (JSON.stringify(part) === JSON.stringify(FirewallPart.parse({}))) {
    await tx.run("DELETE FROM firewall WHERE scope = ?", [scope]);
    return;
  }
  await tx.run("INSERT OR REPLACE INTO firewall (scope, rules) VALUES (?, ?)", [scope, JSON.stringify(part)]);
}

/** The nodes that have rules of their own. */
export async function listNodesWithFirewall(sql: Sql): Promise<string[]> {
  const rows = await sql.all("SELECT scope, rules FROM firewall WHERE scope <> ? ORDER BY scope", [allNodes]);
  return rows.map((row) => FirewallRow.parse(row).scope);
}
