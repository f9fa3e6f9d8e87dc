import { randomBytes } from "node:crypto";

/** A new id of an account or token: 128 random bits in base64url. */
export function newId(): string {
  return randomBytes(16).toString("base64url");
}

/** A new secret: 256 random bits in base64url. */
export function newSecret(): string {
  return randomBytes(32).toString("base64url");
}
