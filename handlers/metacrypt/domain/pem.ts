import { Buffer } from "node:buffer";

/** One PEM block (RFC 7468 §2), strict form: 64 characters a line and nothing around it. */
export function toPem(label: string, der: Uint8Array): string {
  const lines = Buffer.from(der).toString("base64").match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}

const csrPattern =
  /^\s*-----BEGIN (NEW )?CERTIFICATE REQUEST-----\s+([A-Za-z0-9+/=\s]+)-----END (NEW )?CERTIFICATE REQUEST-----\s*$/;

/** The DER of the one certificate request in a text, or `undefined` when there is anything else in it. */
export function fromCsrPem(pem: string): Uint8Array<ArrayBuffer> | undefined {
  const body = csrPattern.exec(pem)?.[2];
  if (body === undefined) return undefined;
  const der = Uint8Array.from(Buffer.from(body, "base64"));
  return isOneSequence(der) ? der : undefined;
}

/** Says whether the bytes are one DER SEQUENCE with a definite length and nothing after it (X.690 §8.1.3). */
function isOneSequence(der: Uint8Array): boolean {
  const [tag, first = 0] = der;
  if (tag !== 0x30 || der.length < 2) return false;
  if (first < 0x80) return der.length === 2 + first;
  const lengthBytes = first & 0x7f;
  if (lengthBytes === 0 || lengthBytes > 3 || der.length < 2 + lengthBytes) return false;
  const length = der.subarray(2, 2 + lengthBytes).reduce((sum, byte) => sum * 256 + byte, 0);
  return der.length === 2 + lengthBytes + length;
}
