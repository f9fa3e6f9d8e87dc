/** What a header of the PROXY protocol says (HAProxy's specification, https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt). */
import { Buffer } from "node:buffer";

/** Version 2 begins with these bytes, which no other protocol can. */
export const v2Signature: Uint8Array = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
/** Longest header of version 1 with its line end. */
export const maxV1Bytes = 107;
/** Longest header of version 2 that is read: 64 KiB would be possible, nothing real comes near this. */
export const maxHeaderBytes = 4096;
/** Longest unique id (specification §2.2.5). */
export const maxUniqueIdBytes = 128;

/** Version 2's address families and transports, in one byte. */
export const families = { unspecified: 0x0, inet: 0x1, inet6: 0x2, unix: 0x3 } as const;

/** Types of version 2's additional fields (§2.2.1 and following). */
export const tlvTypes = {
  alpn: 0x01,
  authority: 0x02,
  crc32c: 0x03,
  noop: 0x04,
  uniqueId: 0x05,
  ssl: 0x20,
  sslVersion: 0x21,
  sslCommonName: 0x22,
  sslCipher: 0x23,
  sslSignature: 0x24,
  sslKey: 0x25,
  netns: 0x30,
} as const;

/** One end of the connection that the sender of the header accepted. */
export interface ProxyAddress {
  /** IP address in canonical text. */
  readonly address: string;
  readonly port: number;
}

/** What the sender says of its client's TLS (§2.2.6). */
export interface ProxyTls {
  /** Bits: 1 TLS, 2 a certificate on this connection, 4 a certificate in this session. */
  readonly client: number;
  /** 0 when the client's certificate was verified. */
  readonly verify: number;
  /** Such as `TLSv1.3`. */
  readonly version?: string;
  readonly commonName?: string;
  readonly cipher?: string;
  readonly signature?: string;
  readonly key?: string;
}

/** Additional fields of version 2; unknown ones are skipped. */
export interface ProxyTlvs {
  /** Protocol that was negotiated. */
  readonly alpn?: string;
  /** Host name that the client asked for, by SNI. */
  readonly authority?: string;
  readonly uniqueId?: Buffer;
  readonly tls?: ProxyTls;
  readonly netns?: string;
}

/** A header. Without addresses (LOCAL, UNKNOWN, AF_UNSPEC, AF_UNIX) the connection's own ones count. */
export interface ProxyHeader {
  readonly kind: "header";
  readonly version: 1 | 2;
  /** `local`: the sender speaks for itself, as a health check does. */
  readonly command: "local" | "proxy";
  /** The client. */
  readonly source: ProxyAddress | undefined;
  /** What the client connected to. */
  readonly destination: ProxyAddress | undefined;
  readonly tlvs: ProxyTlvs;
  /** Bytes of the header; what follows is the client's. */
  readonly length: number;
}

/** Why bytes are no header: there is none, it breaks the rules, it is too long, or its sum is wrong. */
export type ProxyHeaderFault = "absent" | "malformed" | "too-large" | "checksum";

/** What is known after the bytes so far. */
export type ProxyHeaderResult =
  | ProxyHeader
  | { readonly kind: "incomplete" }
  | { readonly kind: "malformed"; readonly reason: ProxyHeaderFault };
