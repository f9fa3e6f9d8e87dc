import { Buffer } from "node:buffer";
import packet from "dns-packet";
import type { ResourceRecord } from "../wire/record.ts";
import { parseReply, type UpstreamReply } from "../wire/parse-reply.ts";

/** A record of an upstream's reply: name, TTL, type and value, as in a zone file. */
export type TestRecord = readonly [name: string, ttl: number, type: "A" | "CNAME" | "NS", data: string];

/** A reply as an upstream could send it, encoded by dns-packet; for tests. */
export function buildReply(
  query: Uint8Array,
  reply: {
    readonly rcode?: number;
    readonly answers?: readonly TestRecord[];
    readonly soa?: { ttl: number; minimum: number };
    readonly truncated?: boolean;
  },
): Uint8Array {
  const { id, questions } = packet.decode(Buffer.from(query));
  const soa = reply.soa === undefined ? [] : [toSoa(reply.soa)];
  return packet.encode({
    type: "response",
    ...(id === undefined ? {} : { id }),
    flags: 0x0180 | (reply.truncated ? 0x0200 : 0) | (reply.rcode ?? 0),
    ...(questions === undefined ? {} : { questions }),
    answers: (reply.answers ?? []).map(([name, ttl, type, data]) => ({ name, ttl, type, data })),
    authorities: soa,
  });
}

/** The same, as the forwarder gets it from its exchange. */
export function upstreamReply(reply: Parameters<typeof buildReply>[1]): UpstreamReply {
  return parseReply(
    buildReply(packet.encode({ type: "query", id: 1, questions: [{ name: "x.example", type: "A" }] }), reply),
  );
}

function toSoa({ ttl, minimum }: { ttl: number; minimum: number }): packet.Answer {
  const data = { mname: "ns.example", rname: "host.example", serial: 1, refresh: 1, retry: 1, expire: 1, minimum };
  return { name: "example", type: "SOA", ttl, data };
}

/** The text of an A record's address. */
export function addressOf(record: ResourceRecord | undefined): string {
  return record === undefined ? "" : record.rdata.join(".");
}
