import type { HandshakeFault } from "../metrics.ts";

/** Reasons by the code that OpenSSL's errors carry; Deno names its errors alike. */
const byCode: readonly (readonly [RegExp, HandshakeFault])[] = [
  [/HANDSHAKE_TIMEOUT$/, "timeout"],
  [/^(ECONNRESET|EPIPE|ERR_SSL_UNEXPECTED_EOF_WHILE_READING)$/, "closed"],
  [/NO_APPLICATION_PROTOCOL$/, "alpn"],
  [/UNSUPPORTED_PROTOCOL$|VERSION_TOO_LOW$|PROTOCOL_VERSION$/, "version"],
  [/NO_SHARED_CIPHER$|NO_SUITABLE_KEY_SHARE$|NO_SHARED_GROUPS?$|NO_SUITABLE_SIGNATURE_ALGORITHM$/, "cipher"],
  // What the client says of our certificate (RFC 8446 §6.2): alerts 42 to 46 and 48.
  [/ALERT_(BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_[A-Z]+|UNKNOWN_CA)$/, "client-refused"],
];

/** Why a handshake failed, as one of the reasons that are counted. */
export function toHandshakeFault(error: Error): HandshakeFault {
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  // Deno's timeout has no code, and its errors for want of a common parameter share one.
  if (error.message === "TLS handshake timeout") return "timeout";
  if (error.message.includes("Tls12NotOffered") || error.message.includes("Tls13Required")) return "version";
  return byCode.find(([pattern]) => pattern.test(code))?.[1] ?? "other";
}
