import { Buffer } from "node:buffer";
import packet from "dns-packet";
import { writeUint16 } from "../wire/bytes.ts";
import { findType, headerBytes } from "../wire/codes.ts";
import { nameFromText } from "../wire/name.ts";
import { concatBytes } from "../wire/record.ts";

/** A query message for tests, made without the code under test where dns-packet can make it. */
export interface TestQuery {
  readonly name?: string;
  readonly type?: string;
  readonly class?: number;
  readonly id?: number;
  /** The second header word; RD unless given. */
  readonly flags?: number;
  readonly questionCount?: number;
  /** UDP size of an OPT record; without it there is none. */
  readonly ednsBytes?: number;
  readonly ednsVersion?: number;
  readonly dnssecOk?: boolean;
  /** OPT options in wire form. */
  readonly options?: readonly number[];
}

/** The bytes of a query. */
export function buildQuery(query: TestQuery = {}): Uint8Array {
  const header = new Uint8Array(headerBytes);
  const additional = query.ednsBytes === undefined ? 0 : 1;
  [query.id ?? 0x1234, query.flags ?? 0x0100, query.questionCount ?? 1, 0, 0, additional].forEach((value, index) =>
    writeUint16(header, index * 2, value)
  );
  const fixed = new Uint8Array(4);
  writeUint16(fixed, 0, findType(query.type ?? "A") ?? 0);
  writeUint16(fixed, 2, query.class ?? 1);
  return concatBytes([
    header,
    nameFromText(query.name ?? "www.ex.test"),
    fixed,
    additional === 1 ? buildOpt(query) : new Uint8Array(0),
  ]);
}

/** The bytes of an OPT record. */
export function buildOpt(query: Pick<TestQuery, "ednsBytes" | "ednsVersion" | "dnssecOk" | "options">): Uint8Array {
  const options = query.options ?? [];
  const opt = new Uint8Array(11 + options.length);
  writeUint16(opt, 1, 41);
  writeUint16(opt, 3, query.ednsBytes ?? 1232);
  opt[6] = query.ednsVersion ?? 0;
  opt[7] = query.dnssecOk ? 0x80 : 0;
  writeUint16(opt, 9, options.length);
  opt.set(options, 11);
  return opt;
}

/** A reply as dns-packet, which shares no code with this server, reads it. */
export function readReply(bytes: Uint8Array | undefined): TestReply {
  if (bytes === undefined) throw new RangeError("Cannot read the reply: there is none");
  const { id = -1, questions = [], answers = [], authorities = [], additionals = [], ...decoded } = packet.decode(
    Buffer.from(bytes),
  );
  const opt = additionals.find((record) => record.type === "OPT");
  return {
    id,
    rcode: Reflect.get(decoded, "rcode"),
    flags: (["aa", "tc", "rd", "ra", "ad", "cd"] as const).filter((flag) => decoded[`flag_${flag}`]).join(" "),
    question: questions[0]?.name,
    answers: answers.map(toText),
    authority: authorities.map(toText),
    additional: additionals.filter((record) => record.type !== "OPT").map(toText),
    ...readOpt(opt),
  };
}

function readOpt(opt: packet.Answer | undefined): Pick<TestReply, "opt" | "extendedError"> {
  if (opt?.type !== "OPT") return { opt: undefined, extendedError: undefined };
  const { udpPayloadSize, extendedRcode, ednsVersion, flag_do: dnssecOk } = opt;
  return {
    opt: { udpBytes: udpPayloadSize, extendedRcode, version: ednsVersion, dnssecOk },
    extendedError: extendedErrorOf(opt.options),
  };
}

function toText(record: packet.Answer): string {
  const data = "data" in record ? record.data : undefined;
  const text = typeof data === "object" && data !== null && "serial" in data
    ? `serial=${data.serial}`
    : typeof data === "string"
    ? data
    : JSON.stringify(data);
  return `${record.name} ${"ttl" in record ? record.ttl : undefined} ${record.type} ${text}`;
}

/** What tests look at in a reply. */
export interface TestReply {
  readonly id: number;
  readonly rcode: string;
  /** Flags that are set, in the order aa tc rd ra ad cd. */
  readonly flags: string;
  readonly question: string | undefined;
  readonly answers: readonly string[];
  readonly authority: readonly string[];
  readonly additional: readonly string[];
  readonly opt: { udpBytes: number; extendedRcode: number; version: number; dnssecOk: boolean } | undefined;
  readonly extendedError: number | undefined;
}

function extendedErrorOf(options: readonly packet.PacketOpt[]): number | undefined {
  const option = options.find(({ code }) => Number(code) === 15);
  const bytes: unknown = option === undefined ? undefined : Reflect.get(option, "data");
  return bytes instanceof Uint8Array ? ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0) : undefined;
}
