import process from "node:process";
import type { TlsMaterial } from "../tls/host-servers.ts";

/** How a public CA looks whether a name is ours: by HTTP on port 80 (RFC 8555 §8.3) or by TLS on port 443 (RFC 8737). */
export const challengeTypes = ["tls-alpn-01", "http-01"] as const;
/**
 * The ways that this runtime can answer. Deno cannot show the certificate of `tls-alpn-01`: its TLS library refuses one with a critical
 * extension that it does not know (tried with Deno 2.9).
 */
export function usableChallengeTypes(): readonly ChallengeType[] {
  return process.versions["deno"] === undefined ? challengeTypes : ["http-01"];
}

/** How a public CA looks whether a name is ours. */
export type ChallengeType = (typeof challengeTypes)[number];

/** What must be answered while a CA looks: plain data, so that every worker can be sent it. */
export type Challenge =
  | { readonly type: "http-01"; readonly token: string; readonly keyAuthorization: string }
  | { readonly type: "tls-alpn-01"; readonly hostname: string; readonly material: TlsMaterial };

/** Makes challenges be answered. Both resolve once it is so at every listener. */
export interface ChallengeBoard {
  /** From now on `challenge` is answered. */
  present(challenge: Challenge): Promise<void> | void;
  /** From now on it is not. */
  withdraw(challenge: Challenge): Promise<void> | void;
}
