import type { Buffer } from "node:buffer";
import { isIPv4, isIPv6 } from "node:net";
import { formatAddress, parseAddress } from "../firewall/address.ts";
import { parseV2 } from "./parse-v2.ts";
import {
  maxV1Bytes,
  type ProxyAddress,
  type ProxyHeader,
  type ProxyHeaderFault,
  type ProxyHeaderResult,
  v2Signature,
} from "./proxy-header.ts";

const v1Start = "PROXY ";
const carriageReturn = 13;
const lineFeed = 10;

/**
 * The PROXY header at the start of `bytes`, version 1 or 2. Says as soon as possible that there is none: after the first byte, for a
 * TLS connection.
 */
export function parseProxyHeader(bytes: Buffer): ProxyHeaderResult {
  if (bytes.length === 0) return { kind: "incomplete" };
  if (bytes[0] === v2Signature[0]) return parseV2(bytes);
  const start = bytes.toString("latin1", 0, v1Start.length);
  if (!v1Start.startsWith(start)) return fault("absent");
  return bytes.length < v1Start.length ? { kind: "incomplete" } : parseV1(bytes);
}

/** Version 1 (specification §2.1): one line of ASCII. */
function parseV1(bytes: Buffer): ProxyHeaderResult {
  const last = Math.min(bytes.length, maxV1Bytes);
  for (let index = v1Start.length; index < last; index++) {
    const byte = bytes[index] ?? 0;
    if (byte === carriageReturn) {
      if (index + 1 < last) {
        return bytes[index + 1] === lineFeed ? readLine(bytes.toString("latin1", 0, index)) : fault("malformed");
      }
    } else if (byte < 0x20 || byte > 0x7e) return fault("malformed");
  }
  return bytes.length >= maxV1Bytes ? fault("too-large") : { kind: "incomplete" };
}

function readLine(line: string): ProxyHeaderResult {
  const words = line.split(" ");
  const [, family, source, destination, sourcePort, destinationPort] = words;
  const length = line.length + 2;
  if (family === "UNKNOWN") return headerOf({ length, source: undefined, destination: undefined });
  if (words.length !== 6 || (family !== "TCP4" && family !== "TCP6")) return fault("malformed");
  const from = endOf(family, source, sourcePort);
  const to = endOf(family, destination, destinationPort);
  return from === undefined || to === undefined
    ? fault("malformed")
    : headerOf({ length, source: from, destination: to });
}

function headerOf(found: Pick<ProxyHeader, "length" | "source" | "destination">): ProxyHeader {
  return { kind: "header", version: 1, command: "proxy", tlvs: {}, ...found };
}

function endOf(family: "TCP4" | "TCP6", text: string | undefined, port: string | undefined): ProxyAddress | undefined {
  if (text === undefined || port === undefined || text.includes("%")) return undefined;
  const address = (family === "TCP4" ? isIPv4(text) : isIPv6(text)) ? parseAddress(text) : undefined;
  if (address === undefined || !/^(0|[1-9]\d{0,4})$/.test(port) || Number(port) > 65_535) return undefined;
  return { address: formatAddress(address), port: Number(port) };
}

function fault(reason: ProxyHeaderFault): ProxyHeaderResult {
  return { kind: "malformed", reason };
}
