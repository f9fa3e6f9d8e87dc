import { Buffer } from "node:buffer";
import { buildClientHello } from "./client-hello-bytes.ts";

/**
 * A ClientHello that a server answers with its whole flight, and then waits for the client. Without a key share it asks for another
 * hello first (RFC 8446 §4.1.4).
 */
export function buildServableHello(name: string, hasKeyShare = true): Buffer {
  // Any 32 bytes are a share of X25519.
  const share = hasKeyShare ? `0024001d0020${"09".repeat(32)}` : "0000";
  return buildClientHello({
    names: [name],
    extensions: [
      [10, Buffer.from("0002001d", "hex")],
      [13, Buffer.from("00020403", "hex")],
      [51, Buffer.from(share, "hex")],
    ],
  });
}
