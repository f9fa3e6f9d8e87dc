import type { FirewallView } from "#shared/contract/edge-views.ts";
import { mcpContract } from "#shared/contract/mcp.ts";
import type { Api } from "#shared/contract/server.ts";
import type { McpContext } from "../context.ts";
import { applyFirewallChange, mergeFirewall } from "../domain/firewall.ts";
import { publishFirewall } from "../publish.ts";
import { getFirewallPart, listNodesWithFirewall, putFirewallPart } from "../store/firewall.ts";
import { assertNodeIsKnown, findNode, listNodes } from "../store/nodes.ts";

/** Serves the firewall of the proxies: what is set for all nodes, and for one of them. */
export function serveFirewall(api: Api, context: McpContext): void {
  const { database } = context;
  api.implement(mcpContract.getFirewall, async ({ query: { node } }): Promise<FirewallView> => {
    if (node !== undefined) await assertNodeIsKnown(database, node, "show the firewall");
    const shared = await getFirewallPart(database);
    const own = node === undefined ? shared : await getFirewallPart(database, node);
    const known = node === undefined ? undefined : await findNode(database, node);
    return {
      node: node ?? null,
      own,
      effective: mergeFirewall(shared, own),
      nodesWithRules: await listNodesWithFirewall(database),
      hits: known?.proxy_report?.firewallHits ?? null,
    };
  });
  api.implement(mcpContract.changeFirewall, async ({ query: { node }, body, setResource }) => {
    setResource(`firewall of ${node === undefined ? "all nodes" : `node ${node}`}: ${describe(body)}`);
    if (node !== undefined) await assertNodeIsKnown(database, node, "change the firewall");
    const changed = await context.hub.transaction(async (tx) => {
      const before = await getFirewallPart(tx, node);
      const after = applyFirewallChange(before, body);
      if (JSON.stringify(before) === JSON.stringify(after)) return false;
      await putFirewallPart(tx, node, after);
      const affected = node === undefined ? (await listNodes(tx)).map(({ name }) => name) : [node];
      for (const name of affected) await publishFirewall(tx, name);
      return true;
    });
    return { changed };
  });
}

/** What was asked for, as the audit log has it. */
function describe(change: object): string {
  const asked = Object.entries(change).filter(([, value]) => !Array.isArray(value) || value.length > 0);
  return asked.map(([key, value]) => `${key} ${JSON.stringify(value)}`).join(", ").slice(0, 500);
}
