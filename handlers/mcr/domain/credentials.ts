import { Buffer } from "node:buffer";

/** A username and the password or token that came with it. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** Longest Authorization field that is looked at, in characters: a 4 KiB token in base64, with its username. */
const maxHeaderLength = 6144;

/** The credentials of an `Authorization: Basic` field (RFC 7617 §2), or `undefined` when it is absent, another scheme or malformed. */
export function parseBasic(header: string | null): Credentials | undefined {
  if (header === null || header.length > maxHeaderLength) return undefined;
  const encoded = /^Basic +([A-Za-z0-9+/]+={0,2})$/i.exec(header)?.[1];
  const plain = encoded === undefined ? "" : Buffer.from(encoded, "base64").toString("utf8");
  const colon = plain.indexOf(":");
  if (colon < 1 || colon === plain.length - 1) return undefined;
  return { username: plain.slice(0, colon), password: plain.slice(colon + 1) };
}

/** Says whether a password looks like a JWT in compact form (RFC 7519 §3): three base64url parts, the first a JSON object. */
export function looksLikeToken(password: string): boolean {
  return /^eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/.test(password);
}
