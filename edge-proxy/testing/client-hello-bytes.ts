import { Buffer } from "node:buffer";

/** What {@link buildClientHello} puts in; every part may be left out. */
export interface HelloParts {
  /** Raw names of the SNI extension. */
  readonly names?: readonly (string | Uint8Array)[];
  readonly alpn?: readonly (string | Uint8Array)[];
  readonly versions?: readonly number[];
  /** Further extensions by type, such as GREASE or a big key share. */
  readonly extensions?: readonly (readonly [number, Uint8Array])[];
  /** Largest payload of a record. */
  readonly recordBytes?: number;
}

/** A ClientHello in TLS records (RFC 8446 §4.1.2); offers TLS 1.3 unless `versions` says otherwise. */
export function buildClientHello(parts: HelloParts = {}): Buffer {
  const { names, alpn, versions = [0x0304], extensions = [], recordBytes = 16_384 } = parts;
  const list: Buffer[] = [];
  if (names !== undefined) {
    list.push(extension(0, vector(2, ...names.map((name) => [Buffer.of(0), vector(2, name)]).flat())));
  }
  if (versions.length > 0) list.push(extension(43, vector(1, ...versions.map((version) => integer(2, version)))));
  if (alpn !== undefined) list.push(extension(16, vector(2, ...alpn.map((name) => vector(1, name)))));
  for (const [type, content] of extensions) list.push(extension(type, content));
  const body = Buffer.concat([
    integer(2, 0x0303),
    Buffer.alloc(32, 7),
    vector(1, Buffer.alloc(32, 1)),
    vector(2, integer(2, 0x0a0a), integer(2, 0x1301)),
    vector(1, Buffer.of(0)),
    vector(2, ...list),
  ]);
  return toRecords(Buffer.concat([Buffer.of(1), integer(3, body.length), body]), recordBytes);
}

/** Handshake bytes cut into records of at most `recordBytes` (RFC 8446 §5.1). */
export function toRecords(handshake: Uint8Array, recordBytes: number): Buffer {
  const records: Buffer[] = [];
  for (let at = 0; at < handshake.length; at += recordBytes) {
    const payload = handshake.subarray(at, at + recordBytes);
    records.push(Buffer.concat([Buffer.of(22, 3, 1), integer(2, payload.length), payload]));
  }
  return Buffer.concat(records);
}

function extension(type: number, content: Uint8Array): Buffer {
  return Buffer.concat([integer(2, type), vector(2, content)]);
}

function vector(lengthBytes: number, ...parts: (Uint8Array | string)[]): Buffer {
  const content = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return Buffer.concat([integer(lengthBytes, content.length), content]);
}

function integer(bytes: number, value: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntBE(value, 0, bytes);
  return buffer;
}
