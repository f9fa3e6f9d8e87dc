import { Buffer } from "node:buffer";
import { addressFromHextets, formatAddress } from "../firewall/address.ts";
import { crc32c } from "./crc32c.ts";
import {
  families,
  maxHeaderBytes,
  type ProxyAddress,
  type ProxyHeader,
  type ProxyHeaderFault,
  type ProxyHeaderResult,
  tlvTypes,
  v2Signature,
} from "./proxy-header.ts";
import { readTlvs, splitTlvs, type Tlv } from "./tlvs.ts";

const headBytes = 16;
/** Bytes of both addresses and ports, by family. */
const addressBytes: Readonly<Record<number, number>> = {
  [families.inet]: 12,
  [families.inet6]: 36,
  [families.unix]: 216,
};

/** The header of version 2 at the start of `bytes` (specification §2.2). */
export function parseV2(bytes: Buffer): ProxyHeaderResult {
  const known = Math.min(bytes.length, v2Signature.length);
  if (bytes.compare(v2Signature, 0, known, 0, known) !== 0) return fault("absent");
  const command = bytes[12];
  if (command === undefined) return { kind: "incomplete" };
  if (command !== 0x20 && command !== 0x21) return fault("malformed");
  if (bytes.length < headBytes) return { kind: "incomplete" };
  const length = headBytes + bytes.readUInt16BE(14);
  if (length > maxHeaderBytes) return fault("too-large");
  if (bytes.length < length) return { kind: "incomplete" };
  // Of LOCAL nothing but its length counts (P2), whatever else it says.
  if (command === 0x20) return { ...withoutAddresses(length), command: "local" };
  return parseBlock(bytes.subarray(0, length));
}

function parseBlock(header: Buffer): ProxyHeaderResult {
  const family = header.readUInt8(13) >>> 4;
  const transport = header.readUInt8(13) & 15;
  if (family > families.unix || transport > 2) return fault("malformed");
  // Nothing is said of what follows an unspecified family: it is skipped like that of LOCAL.
  if (family === families.unspecified || transport === 0) return withoutAddresses(header.length);
  const tlvStart = headBytes + (addressBytes[family] ?? 0);
  if (tlvStart > header.length) return fault("malformed");
  const fields = splitTlvs(header.subarray(tlvStart));
  const tlvs = fields === undefined ? undefined : readTlvs(fields);
  if (fields === undefined || tlvs === undefined) return fault("malformed");
  if (!hasRightSum(header, tlvStart, fields)) return fault("checksum");
  return { ...withoutAddresses(header.length), ...endsOf(header, family), tlvs };
}

function endsOf(header: Buffer, family: number): Pick<ProxyHeader, "source" | "destination"> {
  if (family === families.unix) return { source: undefined, destination: undefined };
  const size = family === families.inet ? 4 : 16;
  const ports = headBytes + 2 * size;
  return {
    source: endOf(header.subarray(headBytes, headBytes + size), header.readUInt16BE(ports)),
    destination: endOf(header.subarray(headBytes + size, ports), header.readUInt16BE(ports + 2)),
  };
}

function endOf(bytes: Buffer, port: number): ProxyAddress {
  if (bytes.length === 4) return { address: formatAddress({ version: 4, value: bytes.readUInt32BE(0) }), port };
  const hextets = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2));
  return { address: formatAddress(addressFromHextets(hextets)), port };
}

/** Whether each sum is that of the header with zeros in its place (§2.2.3). */
function hasRightSum(header: Buffer, tlvStart: number, fields: readonly Tlv[]): boolean {
  const sums = fields.filter(({ type }) => type === tlvTypes.crc32c);
  const [sum] = sums;
  if (sum === undefined) return true;
  if (sums.length > 1 || sum.value.length !== 4) return false;
  const copy = Buffer.from(header);
  copy.fill(0, tlvStart + sum.offset, tlvStart + sum.offset + 4);
  return crc32c(copy) === sum.value.readUInt32BE(0);
}

function withoutAddresses(length: number): ProxyHeader {
  return { kind: "header", version: 2, command: "proxy", source: undefined, destination: undefined, tlvs: {}, length };
}

function fault(reason: ProxyHeaderFault): ProxyHeaderResult {
  return { kind: "malformed", reason };
}
