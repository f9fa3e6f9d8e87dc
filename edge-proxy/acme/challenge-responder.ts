import type { Socket } from "node:net";
import { createServer } from "node:tls";
import type { TlsMaterial } from "../tls/host-servers.ts";
import type { Challenge, ChallengeBoard } from "./challenge.ts";

/** The one protocol that a CA offers when it looks (RFC 8737 §4). */
export const acmeTlsProtocol = "acme-tls/1";

/** Answers CAs that look. */
export interface ChallengeResponder extends ChallengeBoard {
  /** The body for a GET of `path` on port 80, `text/plain`; `undefined` when no challenge is there (RFC 8555 §8.3). */
  answer(path: string): string | undefined;
  /**
   * Takes over a connection whose ClientHello offers {@link acmeTlsProtocol} alone, its bytes put back: shakes hands and closes (RFC 8737 §3).
   * `false` when there is no challenge for `hostname`.
   */
  accept(hostname: string, client: Socket): boolean;
}

const pathPrefix = "/.well-known/acme-challenge/";

/** A responder without challenges. */
export function createChallengeResponder(options: { readonly handshakeMs: number }): ChallengeResponder {
  const texts = new Map<string, string>();
  const materials = new Map<string, TlsMaterial>();
  return {
    present(challenge) {
      if (challenge.type === "http-01") texts.set(challenge.token, challenge.keyAuthorization);
      else materials.set(challenge.hostname, challenge.material);
    },
    withdraw: (challenge: Challenge) =>
      void (challenge.type === "http-01" ? texts.delete(challenge.token) : materials.delete(challenge.hostname)),
    answer: (path) => path.startsWith(pathPrefix) ? texts.get(path.slice(pathPrefix.length)) : undefined,
    accept(hostname, client) {
      const material = materials.get(hostname);
      if (material === undefined) return false;
      return shakeHands(material, client, options.handshakeMs);
    },
  };
}

function shakeHands(material: TlsMaterial, client: Socket, handshakeMs: number): boolean {
  const server = createServer({
    cert: material.chainPem,
    key: material.keyPem,
    minVersion: "TLSv1.3",
    ALPNProtocols: [acmeTlsProtocol],
    handshakeTimeout: handshakeMs,
  });
  server.on("secureConnection", (socket) => socket.on("error", () => socket.destroy()).end());
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  return server.emit("connection", client);
}
