import { Buffer } from "node:buffer";
import { ByteReader, ShortInput } from "./byte-reader.ts";

/** What a proxy needs to know of a TLS ClientHello before it picks a route. */
export interface ClientHello {
  /** Discriminates {@link ClientHelloResult}. */
  readonly kind: "hello";
  /** Lower-case host name of the SNI extension; `undefined` without one, or when it is an IP literal (RFC 6066 §3). */
  readonly serverName: string | undefined;
  /** Protocols of the ALPN extension in the client's order, GREASE left out (RFC 7301, RFC 8701). */
  readonly alpn: readonly string[];
  /** Whether the client offers TLS 1.3 (RFC 8446 §4.2.1). */
  readonly offersTls13: boolean;
}

/** Why bytes are no ClientHello that can be routed. */
export type ClientHelloFault = "not-tls" | "malformed" | "too-large";

/** What is known after the bytes so far. `alert` is the TLS alert to answer with, if the peer speaks TLS at all. */
export type ClientHelloResult =
  | ClientHello
  | { readonly kind: "incomplete" }
  | { readonly kind: "refused"; readonly reason: ClientHelloFault; readonly alert: number | undefined };

/** Reads one ClientHello from a byte stream. */
export interface ClientHelloReader {
  /** What is known after `chunk`; chunk and record borders mean nothing. Not to be called again after a final result. */
  push(chunk: Uint8Array): ClientHelloResult;
}

/** TLS alert descriptions that a peer gets (RFC 8446 §6). */
export const alerts = {
  unexpectedMessage: 10,
  handshakeFailure: 40,
  illegalParameter: 47,
  decodeError: 50,
  protocolVersion: 70,
  internalError: 80,
  missingExtension: 109,
  unrecognizedName: 112,
} as const;

/** Largest ClientHello accepted after reassembly; a post-quantum one with every extension stays below 4 KiB. */
const maxHelloBytes = 16 * 1024;
/** Largest record payload (RFC 8446 §5.1). */
const maxRecordBytes = 1 << 14;
/** Record headers may add this much to the hello: above it, the records are absurdly small. */
const maxOverheadBytes = 4 * 1024;

class Fault extends Error {
  readonly result: ClientHelloResult;
  constructor(reason: ClientHelloFault, alert?: number) {
    super(reason);
    this.result = { kind: "refused", reason, alert };
  }
}

/** A reader at the start of a connection (RFC 8446 §4.1.2, §5.1): any number of packets and records, at most 16 KiB. */
export function createClientHelloReader(): ClientHelloReader {
  let records: Uint8Array = new Uint8Array(0);
  let receivedBytes = 0;
  const fragments: Uint8Array[] = [];
  let helloBytes = 0;

  function takeRecords(): void {
    for (let size = recordSize(records); size !== undefined && size <= records.length; size = recordSize(records)) {
      fragments.push(records.subarray(5, size));
      helloBytes += size - 5;
      records = records.subarray(size);
      if (isComplete()) return;
    }
  }

  function isComplete(): boolean {
    if (helloBytes < 4) return false;
    const head = fragments.length === 1 ? fragments[0] : Buffer.concat(fragments);
    return head !== undefined && helloBytes >= handshakeSize(head);
  }

  return {
    push(chunk) {
      try {
        receivedBytes += chunk.length;
        records = records.length === 0 ? chunk : Buffer.concat([records, chunk]);
        takeRecords();
        if (isComplete()) return parseHandshake(Buffer.concat(fragments));
        if (receivedBytes > maxHelloBytes + maxOverheadBytes) throw new Fault("too-large", alerts.decodeError);
        return { kind: "incomplete" };
      } catch (error) {
        if (error instanceof Fault) return error.result;
        if (error instanceof ShortInput) return new Fault("malformed", alerts.decodeError).result;
        throw error;
      }
    },
  };
}

/** Size of the first record with its header, or `undefined` when the header is not complete. Checks what is there. */
function recordSize(bytes: Uint8Array): number | undefined {
  const [type, major] = bytes;
  if (type !== undefined && type !== 22) throw new Fault("not-tls");
  if (major !== undefined && major !== 3) throw new Fault("not-tls");
  if (bytes.length < 5) return undefined;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint16(3);
  if (length === 0 || length > maxRecordBytes) throw new Fault("malformed", alerts.decodeError);
  return 5 + length;
}

function handshakeSize(bytes: Uint8Array): number {
  const reader = new ByteReader(bytes);
  if (reader.uint8() !== 1) throw new Fault("malformed", alerts.unexpectedMessage);
  const size = 4 + reader.uint24();
  if (size > maxHelloBytes) throw new Fault("too-large", alerts.decodeError);
  return size;
}

function parseHandshake(bytes: Uint8Array): ClientHello {
  const size = handshakeSize(bytes);
  if (bytes.length !== size) throw new Fault("malformed", alerts.decodeError);
  const reader = new ByteReader(bytes.subarray(4));
  reader.take(2 + 32);
  if (reader.vector8().remaining > 32) throw new Fault("malformed", alerts.decodeError);
  const cipherSuites = reader.vector16().remaining;
  if (cipherSuites < 2 || cipherSuites % 2 !== 0) throw new Fault("malformed", alerts.decodeError);
  if (reader.vector8().remaining < 1) throw new Fault("malformed", alerts.decodeError);
  const extensions = reader.remaining === 0 ? new Map<number, ByteReader>() : parseExtensions(reader.vector16());
  if (reader.remaining !== 0) throw new Fault("malformed", alerts.decodeError);
  return {
    kind: "hello",
    serverName: parseServerName(extensions.get(0)),
    alpn: parseAlpn(extensions.get(16)),
    offersTls13: parseVersions(extensions.get(43)).includes(0x0304),
  };
}

function parseExtensions(reader: ByteReader): Map<number, ByteReader> {
  const extensions = new Map<number, ByteReader>();
  while (reader.remaining > 0) {
    const type = reader.uint16();
    if (extensions.has(type)) throw new Fault("malformed", alerts.illegalParameter);
    extensions.set(type, reader.vector16());
  }
  return extensions;
}

/** The one `host_name` of the extension (RFC 6066 §3). */
function parseServerName(extension: ByteReader | undefined): string | undefined {
  if (extension === undefined) return undefined;
  const list = extension.vector16();
  if (extension.remaining !== 0 || list.remaining === 0) throw new Fault("malformed", alerts.decodeError);
  const names: Uint8Array[] = [];
  while (list.remaining > 0) {
    const type = list.uint8();
    const value = list.vector16().rest();
    if (type === 0) names.push(value);
  }
  const [name] = names;
  if (name === undefined) return undefined;
  if (names.length > 1) throw new Fault("malformed", alerts.illegalParameter);
  return toHostName(Buffer.from(name).toString("latin1").toLowerCase());
}

function toHostName(name: string): string | undefined {
  // Load testers and some health checkers send the address as a name although RFC 6066 forbids it: same as no SNI.
  if (/^[0-9.]+$/.test(name) || name.includes(":")) return undefined;
  if (!/^[a-z0-9._-]{1,254}$/.test(name)) throw new Fault("malformed", alerts.illegalParameter);
  return name;
}

function parseAlpn(extension: ByteReader | undefined): string[] {
  if (extension === undefined) return [];
  const list = extension.vector16();
  if (extension.remaining !== 0 || list.remaining === 0) throw new Fault("malformed", alerts.decodeError);
  const protocols: string[] = [];
  while (list.remaining > 0) {
    const name = Buffer.from(list.vector8().rest());
    if (name.length === 0) throw new Fault("malformed", alerts.decodeError);
    if (!isGrease(name)) protocols.push(name.toString("latin1"));
  }
  return protocols;
}

function isGrease(name: Uint8Array): boolean {
  const [first, second] = name;
  return name.length === 2 && first === second && first !== undefined && (first & 0x0f) === 0x0a;
}

function parseVersions(extension: ByteReader | undefined): number[] {
  if (extension === undefined) return [];
  const list = extension.vector8();
  const versions: number[] = [];
  while (list.remaining > 0) versions.push(list.uint16());
  return versions;
}
