import type { ZoneRecord, ZoneState } from "#shared/contract/state.ts";
import { compileZone } from "../zones/compile-zone.ts";
import type { ZoneSet } from "../zones/zone.ts";

const rows: readonly (readonly [name: string, type: ZoneRecord["type"], value: string])[] = [
  ["www.ex.test", "A", "192.0.2.1"],
  ["www.ex.test", "AAAA", "2001:db8::1"],
  ["leaf.ent.ex.test", "A", "192.0.2.2"],
  ["alias.ex.test", "CNAME", "Chain.ex.test"],
  ["chain.ex.test", "CNAME", "www.ex.test"],
  ["dangling.ex.test", "CNAME", "nothing.ex.test"],
  ["loop1.ex.test", "CNAME", "loop2.ex.test"],
  ["loop2.ex.test", "CNAME", "loop1.ex.test"],
  ["out.ex.test", "CNAME", "www.example.org"],
  ["*.wild.ex.test", "A", "192.0.2.9"],
  ["host.wild.ex.test", "AAAA", "2001:db8::9"],
  ["f.*.half.ex.test", "A", "192.0.2.10"],
  ["*.alias.ex.test", "CNAME", "www.ex.test"],
  ["sub.ex.test", "NS", "ns.sub.ex.test"],
  ["sub.ex.test", "NS", "ns.elsewhere.test"],
  ["ns.sub.ex.test", "A", "192.0.2.53"],
  ["into.ex.test", "CNAME", "host.sub.ex.test"],
];

/** A zone with one of everything that look-ups treat differently; for tests. */
export function exampleZoneState(overrides: Partial<ZoneState> = {}): ZoneState {
  return {
    name: "ex.test",
    primaryServer: "ns1.ex.test",
    adminMailbox: "hostmaster.ex.test",
    serial: 7,
    refreshSeconds: 3600,
    retrySeconds: 600,
    expireSeconds: 86_400,
    minimumSeconds: 60,
    records: rows.map(([name, type, value]) => ({ name, type, value, ttlSeconds: 300 })),
    ...overrides,
  };
}

/** Zones ready for look-ups; for tests. */
export function exampleZones(states: readonly ZoneState[] = [exampleZoneState()]): ZoneSet {
  return new Map(states.map((state) => compileZone(state).zone).map((zone) => [zone.key, zone]));
}
