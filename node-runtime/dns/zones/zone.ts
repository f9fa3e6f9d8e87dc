import { recordTypes } from "../wire/codes.ts";
import { isAtOrBelow, type NameKey, parentKey, rootKey } from "../wire/name.ts";
import type { ResourceRecord } from "../wire/record.ts";

/** A name in a zone: its RRsets by type. One without any is an empty non-terminal (RFC 8020 §2). */
export type ZoneNode = ReadonlyMap<number, readonly ResourceRecord[]>;

/** A zone made ready for look-ups. */
export interface Zone {
  readonly key: NameKey;
  /** Name as text, without the trailing dot. */
  readonly name: string;
  readonly serial: number;
  readonly soa: ResourceRecord;
  /** The SOA record as sent in negative answers: TTL = min(SOA TTL, MINIMUM) (RFC 2308 §3). */
  readonly negativeSoa: ResourceRecord;
  /** All names with records, all names between them and the apex, and the apex. */
  readonly nodes: ReadonlyMap<NameKey, ZoneNode>;
  /** Whether some name below the apex has NS records. */
  readonly hasDelegations: boolean;
}

/** The zones that are served, by their key. Replaced as a whole at each change, so that one answer sees one state. */
export type ZoneSet = ReadonlyMap<NameKey, Zone>;

/**
 * The zone with the longest name that `key` is in, or `undefined`. DS records at an apex belong to the parent (RFC 4035 §3.1.4.1), so
 * they are looked for there when it is ours.
 */
export function findZone(zones: ZoneSet, key: NameKey, type: number): Zone | undefined {
  if (type === recordTypes.DS && key !== rootKey && zones.has(key)) {
    return findLongest(zones, parentKey(key)) ?? zones.get(key);
  }
  return findLongest(zones, key);
}

function findLongest(zones: ZoneSet, key: NameKey): Zone | undefined {
  for (let current = key;; current = parentKey(current)) {
    const zone = zones.get(current);
    if (zone !== undefined || current === rootKey) return zone;
  }
}

/** What a zone has for a name and type. */
export type Lookup =
  | { readonly kind: "records"; readonly records: readonly ResourceRecord[] }
  | { readonly kind: "cname"; readonly record: ResourceRecord }
  | { readonly kind: "referral"; readonly servers: readonly ResourceRecord[] }
  | { readonly kind: "no-data" }
  | { readonly kind: "no-name" };

/** Looks a name up in its zone (RFC 1034 §4.3.2): delegation, then exact name, then wildcard (RFC 4592). */
export function lookUp(zone: Zone, key: NameKey, type: number): Lookup {
  const servers = zone.hasDelegations ? findDelegation(zone, key, type) : undefined;
  if (servers !== undefined) return { kind: "referral", servers };
  const node = zone.nodes.get(key);
  if (node !== undefined) return lookUpNode(node, type);
  const wildcard = zone.nodes.get("\x01*" + closestEncloser(zone, key));
  return wildcard === undefined ? { kind: "no-name" } : lookUpNode(wildcard, type);
}

function findDelegation(zone: Zone, key: NameKey, type: number): readonly ResourceRecord[] | undefined {
  let found: readonly ResourceRecord[] | undefined;
  for (let current = key; current !== zone.key; current = parentKey(current)) {
    if (type === recordTypes.DS && current === key) continue;
    found = zone.nodes.get(current)?.get(recordTypes.NS) ?? found;
  }
  return found;
}

function closestEncloser(zone: Zone, key: NameKey): NameKey {
  let current = parentKey(key);
  while (!zone.nodes.has(current) && current !== zone.key) current = parentKey(current);
  return current;
}

function lookUpNode(node: ZoneNode, type: number): Lookup {
  // RFC 8482: one RRset is an answer to ANY.
  const records = type === recordTypes.ANY ? node.values().next().value : node.get(type);
  if (records !== undefined) return { kind: "records", records };
  const cname = node.get(recordTypes.CNAME)?.[0];
  return cname === undefined ? { kind: "no-data" } : { kind: "cname", record: cname };
}

/** Addresses of the servers that are themselves at or below the delegation or elsewhere in the zone (glue, RFC 9471). */
export function findGlue(zone: Zone, serverKeys: readonly NameKey[]): ResourceRecord[] {
  return serverKeys.filter((key) => isAtOrBelow(key, zone.key)).flatMap((key) => {
    const node = zone.nodes.get(key);
    return [...node?.get(recordTypes.A) ?? [], ...node?.get(recordTypes.AAAA) ?? []];
  });
}
