import { Buffer } from "node:buffer";
import { type Address, formatAddress, hextetsOf, parseAddress } from "../firewall/address.ts";
import { crc32c } from "./crc32c.ts";
import {
  families,
  maxHeaderBytes,
  maxUniqueIdBytes,
  type ProxyAddress,
  type ProxyTlvs,
  tlvTypes,
  v2Signature,
} from "./proxy-header.ts";
import { writeTlv, writeTlvs } from "./tlvs.ts";

/** What {@link buildProxyHeader} tells the backend. Version 1 carries the addresses only. */
export interface ProxyHeaderFacts extends ProxyTlvs {
  /** The client. */
  readonly source: ProxyAddress;
  /** What the client connected to. */
  readonly destination: ProxyAddress;
  /** Whether version 2 carries its CRC32C. */
  readonly checksum?: boolean;
}

/** Version 2's transport, TCP. */
const stream = 1;
const sumBytes = 7;

/**
 * The header that announces a connection, to be sent in one piece with its first bytes (P5). When the two addresses are of different
 * families, the IPv4 one is mapped into IPv6.
 *
 * @throws {RangeError} for what is no address or port, and above 4 KiB.
 */
export function buildProxyHeader(version: "v1" | "v2", facts: ProxyHeaderFacts): Buffer {
  const source = toEnd(facts.source);
  const destination = toEnd(facts.destination);
  const isV4 = source.address.version === 4 && destination.address.version === 4;
  return version === "v1" ? buildV1(source, destination, isV4) : buildV2(source, destination, { isV4, facts });
}

/** The header of a connection that nobody asked for, such as a health check (version 2, LOCAL). */
export function buildLocalHeader(): Buffer {
  return Buffer.concat([v2Signature, Buffer.from([0x20, 0, 0, 0])]);
}

interface End {
  readonly address: Address;
  readonly port: number;
}

function toEnd({ address: text, port }: ProxyAddress): End {
  const address = parseAddress(text);
  if (address === undefined || !Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new RangeError(`Cannot announce "${text}" port ${port}: it is no IP address and port`);
  }
  return { address, port };
}

function buildV1(source: End, destination: End, isV4: boolean): Buffer {
  const text = ({ address }: End) =>
    isV4 || address.version === 6 ? formatAddress(address) : `::ffff:${formatAddress(address)}`;
  const family = isV4 ? "TCP4" : "TCP6";
  return Buffer.from(
    `PROXY ${family} ${text(source)} ${text(destination)} ${source.port} ${destination.port}\r\n`,
    "latin1",
  );
}

function buildV2(source: End, destination: End, how: { isV4: boolean; facts: ProxyHeaderFacts }): Buffer {
  const { isV4, facts } = how;
  if ((facts.uniqueId?.length ?? 0) > maxUniqueIdBytes) {
    throw new RangeError(`Cannot announce a unique id of more than ${maxUniqueIdBytes} bytes`);
  }
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(source.port, 0);
  ports.writeUInt16BE(destination.port, 2);
  const tlvs = writeTlvs(facts);
  const block = [addressBytes(source, isV4), addressBytes(destination, isV4), ports, tlvs];
  const sum = facts.checksum === true ? writeTlv(tlvTypes.crc32c, Buffer.alloc(4)) : Buffer.alloc(0);
  const head = Buffer.concat([
    v2Signature,
    Buffer.from([0x21, ((isV4 ? families.inet : families.inet6) << 4) | stream, 0, 0]),
  ]);
  const header = Buffer.concat([head, ...block, sum]);
  if (header.length > maxHeaderBytes) {
    throw new RangeError(`Cannot announce a connection in ${header.length} bytes: at most ${maxHeaderBytes} are read`);
  }
  header.writeUInt16BE(header.length - head.length, 14);
  if (sum.length === sumBytes) header.writeUInt32BE(crc32c(header), header.length - 4);
  return header;
}

function addressBytes({ address }: End, isV4: boolean): Buffer {
  const hextets = hextetsOf(address);
  const bytes = Buffer.alloc(16);
  for (const [index, hextet] of hextets.entries()) bytes.writeUInt16BE(hextet, index * 2);
  return isV4 ? bytes.subarray(12) : bytes;
}
