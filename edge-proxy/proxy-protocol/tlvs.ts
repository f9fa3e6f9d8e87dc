import { Buffer } from "node:buffer";
import { maxUniqueIdBytes, type ProxyTls, type ProxyTlvs, tlvTypes } from "./proxy-header.ts";

/** One additional field: its type, its content, and where that begins in the bytes that were parsed. */
export interface Tlv {
  readonly type: number;
  readonly value: Buffer;
  readonly offset: number;
}

const sslHeadBytes = 5;

/** The fields in `bytes` in their order; `undefined` when one ends behind the last byte. */
export function splitTlvs(bytes: Buffer): readonly Tlv[] | undefined {
  const tlvs: Tlv[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    if (offset + 3 > bytes.length) return undefined;
    const end = offset + 3 + bytes.readUInt16BE(offset + 1);
    if (end > bytes.length) return undefined;
    tlvs.push({ type: bytes.readUInt8(offset), value: bytes.subarray(offset + 3, end), offset: offset + 3 });
    offset = end;
  }
  return tlvs;
}

/** What the fields say; the first of equal ones counts. `undefined` when a known one breaks its rules. */
export function readTlvs(tlvs: readonly Tlv[]): ProxyTlvs | undefined {
  const uniqueId = find(tlvs, tlvTypes.uniqueId);
  if (uniqueId !== undefined && uniqueId.length > maxUniqueIdBytes) return undefined;
  const ssl = find(tlvs, tlvTypes.ssl);
  const tls = ssl === undefined ? undefined : readTls(ssl);
  if (ssl !== undefined && tls === undefined) return undefined;
  return {
    ...textOf(tlvs, tlvTypes.alpn, "alpn"),
    ...textOf(tlvs, tlvTypes.authority, "authority"),
    ...(uniqueId === undefined ? {} : { uniqueId: Buffer.from(uniqueId) }),
    ...(tls === undefined ? {} : { tls }),
    ...textOf(tlvs, tlvTypes.netns, "netns"),
  };
}

/** The fields as bytes, without a sum. */
export function writeTlvs(tlvs: ProxyTlvs): Buffer {
  const parts: Buffer[] = [];
  if (tlvs.alpn !== undefined) parts.push(writeTlv(tlvTypes.alpn, Buffer.from(tlvs.alpn)));
  if (tlvs.authority !== undefined) parts.push(writeTlv(tlvTypes.authority, Buffer.from(tlvs.authority)));
  if (tlvs.uniqueId !== undefined) parts.push(writeTlv(tlvTypes.uniqueId, tlvs.uniqueId));
  if (tlvs.tls !== undefined) parts.push(writeTlv(tlvTypes.ssl, writeTls(tlvs.tls)));
  if (tlvs.netns !== undefined) parts.push(writeTlv(tlvTypes.netns, Buffer.from(tlvs.netns)));
  return Buffer.concat(parts);
}

/** One field as bytes. */
export function writeTlv(type: number, value: Buffer): Buffer {
  const head = Buffer.alloc(3);
  head.writeUInt8(type, 0);
  head.writeUInt16BE(value.length, 1);
  return Buffer.concat([head, value]);
}

function readTls(bytes: Buffer): ProxyTls | undefined {
  if (bytes.length < sslHeadBytes) return undefined;
  const tlvs = splitTlvs(bytes.subarray(sslHeadBytes));
  if (tlvs === undefined) return undefined;
  return {
    client: bytes.readUInt8(0),
    verify: bytes.readUInt32BE(1),
    ...textOf(tlvs, tlvTypes.sslVersion, "version"),
    ...textOf(tlvs, tlvTypes.sslCommonName, "commonName"),
    ...textOf(tlvs, tlvTypes.sslCipher, "cipher"),
    ...textOf(tlvs, tlvTypes.sslSignature, "signature"),
    ...textOf(tlvs, tlvTypes.sslKey, "key"),
  };
}

function writeTls(tls: ProxyTls): Buffer {
  const head = Buffer.alloc(sslHeadBytes);
  head.writeUInt8(tls.client, 0);
  head.writeUInt32BE(tls.verify, 1);
  const texts: readonly [number, string | undefined][] = [
    [tlvTypes.sslVersion, tls.version],
    [tlvTypes.sslCommonName, tls.commonName],
    [tlvTypes.sslCipher, tls.cipher],
    [tlvTypes.sslSignature, tls.signature],
    [tlvTypes.sslKey, tls.key],
  ];
  return Buffer.concat([
    head,
    ...texts.flatMap(([type, text]) => text === undefined ? [] : [writeTlv(type, Buffer.from(text))]),
  ]);
}

function find(tlvs: readonly Tlv[], type: number): Buffer | undefined {
  return tlvs.find((tlv) => tlv.type === type)?.value;
}

function textOf<N extends string>(tlvs: readonly Tlv[], type: number, name: N): { readonly [key in N]?: string } {
  const value = find(tlvs, type);
  const named: { [key in N]?: string } = {};
  return value === undefined ? named : { ...named, [name]: value.toString("utf8") };
}
