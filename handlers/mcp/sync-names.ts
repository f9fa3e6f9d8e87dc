import { Route } from "#shared/contract/route.ts";
import { type ZoneRecord } from "#shared/contract/state.ts";
import { createSerialQueue } from "#shared/lifecycle/queue.ts";
import { decodeCbor } from "#shared/wire/cbor.ts";
import { readFrame } from "#shared/feed/feed-store.ts";
import { type McpContext, routesTopic } from "./context.ts";
import { deriveRecords, zoneOf } from "./domain/derive-routes.ts";
import { listNodes } from "./store/nodes.ts";

/** Keeps the names in MCNS equal to what is routed. */
export interface NameSync {
  /** Sends the names when they may have changed; a failure is logged and tried again at the next call. */
  sync(): Promise<void>;
}

/** Account that owns the derived records. */
export const derivedOwner = "mcp";

/** A name sync that sends a zone only when its records differ from what was sent last. */
export function createNameSync(context: McpContext): NameSync {
  const queue = createSerialQueue();
  const sent = new Map<string, string>();
  const zones = [context.serviceDomain, context.domain];
  return { sync: () => queue.run(syncAll) };

  async function syncAll(): Promise<void> {
    const byZone = new Map<string, ZoneRecord[]>(zones.map((zone) => [zone, []]));
    for (const node of await listNodes(context.database)) {
      if (node.address === "") continue;
      for (const record of deriveRecords(await routedHostnames(context, node.name), node.address)) {
        byZone.get(zoneOf(record.name, zones) ?? "")?.push(record);
      }
    }
    for (const [zone, records] of byZone) await send(zone, records);
  }

  async function send(zone: string, records: ZoneRecord[]): Promise<void> {
    const text = JSON.stringify(records);
    if (sent.get(zone) === text) return;
    try {
      await context.mcns.putDerived({ params: { zone, owner: derivedOwner }, body: { records } });
      sent.set(zone, text);
    } catch (error) {
      context.log.warn("cannot send names to MCNS, trying again", { zone, error });
    }
  }
}

async function routedHostnames(context: McpContext, node: string): Promise<string[]> {
  const { entries } = await readFrame(context.database, routesTopic(node), 0);
  return entries.flatMap(([, value]) => value === null ? [] : Route.parse(decodeCbor(value)).hostname);
}
