import { Buffer } from "node:buffer";
import type { ZoneRecord, ZoneState } from "#shared/contract/state.ts";
import { describeError, PlatformError } from "#shared/errors/platform-error.ts";
import { writeUint32 } from "../wire/bytes.ts";
import { classIn, recordTypes } from "../wire/codes.ts";
import { isAtOrBelow, nameFromText, type NameKey, parentKey, toNameKey } from "../wire/name.ts";
import { rdataFromText } from "../wire/rdata.ts";
import { concatBytes, type ResourceRecord } from "../wire/record.ts";
import type { Zone } from "./zone.ts";

/** TTL of the SOA record, and so the longest negative TTL that a zone can ask for. */
const soaTtlSeconds = 3600;

/** A zone, and what of its state could not be used: one bad record must not take the others down. */
export interface CompiledZone {
  readonly zone: Zone;
  readonly problems: readonly string[];
}

/**
 * The zone in the form that answers are looked up in. Records that cannot be served are left out and named in `problems`.
 *
 * @throws {PlatformError} invalid-request — when the zone's own name or its SOA names cannot be used
 */
export function compileZone(state: ZoneState): CompiledZone {
  const apex = nameFromText(state.name);
  const key = toNameKey(apex);
  const soa = toSoa(state, apex);
  const nodes = new Map<NameKey, Map<number, ResourceRecord[]>>([[key, new Map([[recordTypes.SOA, [soa]]])]]);
  const problems: string[] = [];
  for (const record of state.records) {
    try {
      addRecord(nodes, key, record);
    } catch (error) {
      problems.push(describeError(error));
    }
  }
  const apexNode = nodes.get(key);
  if (apexNode?.has(recordTypes.NS) === false) {
    apexNode.set(recordTypes.NS, [{ ...soa, type: recordTypes.NS, rdata: nameFromText(state.primaryServer) }]);
  }
  for (const node of nodes.values()) levelTtls(node);
  const zone = {
    key,
    name: state.name,
    serial: state.serial,
    soa,
    negativeSoa: { ...soa, ttlSeconds: Math.min(soaTtlSeconds, state.minimumSeconds) },
    nodes,
    hasDelegations: [...nodes].some(([name, node]) => name !== key && node.has(recordTypes.NS)),
  };
  return { zone, problems };
}

function toSoa(state: ZoneState, apex: Uint8Array): ResourceRecord {
  const numbers = new Uint8Array(20);
  const { serial, refreshSeconds, retrySeconds, expireSeconds, minimumSeconds } = state;
  [serial, refreshSeconds, retrySeconds, expireSeconds, minimumSeconds].forEach((value, index) =>
    writeUint32(numbers, index * 4, value)
  );
  const rdata = concatBytes([nameFromText(state.primaryServer), nameFromText(state.adminMailbox), numbers]);
  return { name: apex, type: recordTypes.SOA, class: classIn, ttlSeconds: soaTtlSeconds, rdata };
}

function addRecord(nodes: Map<NameKey, Map<number, ResourceRecord[]>>, apex: NameKey, record: ZoneRecord): void {
  const name = nameFromText(record.name);
  const key = toNameKey(name);
  if (!isAtOrBelow(key, apex)) throw unusable(record, "its name is outside the zone");
  const type = recordTypes[record.type];
  const present = [...nodes.get(key)?.keys() ?? []].filter((other) => other !== type);
  if (present.includes(recordTypes.CNAME) || (type === recordTypes.CNAME && present.length > 0)) {
    throw unusable(record, "a CNAME is alone at its name (RFC 2181 §10.1)");
  }
  const added = {
    name,
    type,
    class: classIn,
    ttlSeconds: record.ttlSeconds,
    rdata: rdataFromText(record.type, record.value),
  };
  const records = nodes.get(key)?.get(type) ?? [];
  if (records.some((other) => Buffer.compare(other.rdata, added.rdata) === 0)) return;
  if (type === recordTypes.CNAME && records.length > 0) throw unusable(record, "there is another CNAME at its name");
  addNode(nodes, apex, key).set(type, [...records, added]);
}

/** The node of a name; makes it and the empty non-terminals above it. */
function addNode(
  nodes: Map<NameKey, Map<number, ResourceRecord[]>>,
  apex: NameKey,
  key: NameKey,
): Map<number, ResourceRecord[]> {
  for (let current = parentKey(key); key !== apex && !nodes.has(current); current = parentKey(current)) {
    nodes.set(current, new Map());
  }
  const node = nodes.get(key) ?? new Map<number, ResourceRecord[]>();
  nodes.set(key, node);
  return node;
}

/** One TTL for each RRset: the lowest (RFC 2181 §5.2). */
function levelTtls(node: Map<number, ResourceRecord[]>): void {
  for (const [type, records] of node) {
    const ttlSeconds = Math.min(...records.map((record) => record.ttlSeconds));
    node.set(type, records.map((record) => ({ ...record, ttlSeconds })));
  }
}

function unusable(record: ZoneRecord, why: string): PlatformError {
  return new PlatformError(
    "invalid-request",
    `Cannot serve the record "${record.name} ${record.type} ${record.value}": ${why}`,
  );
}
