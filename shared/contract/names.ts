import { z } from "zod";

/** A DNS host name: lower-case labels of letters, digits and `-`, at most 253 characters (RFC 1123 §2.1). */
export const HostName = z
  .string()
  .max(253)
  .regex(/^(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*$/, "expected a lower-case host name");

/** A service, component or node name: a DNS label that starts with a letter. */
export const Label = z
  .string()
  .max(48)
  .regex(/^[a-z]([a-z0-9-]*[a-z0-9])?$/, "expected lower-case letters, digits and '-', starting with a letter");

/** An account name: like a label, with `.`, `_` and `@` inside. */
export const AccountName = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[a-z0-9]([a-z0-9._@-]*[a-z0-9])?$/, "expected lower-case letters, digits, '.', '_', '@', '-'");

/** A TCP or UDP port. */
export const Port = z.int().min(1).max(65_535);

/** `sha256:` and 64 hex digits. */
export const Digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, "expected sha256:<64 hex digits>");

/** An opaque id: 1–64 characters of base64url. */
export const Id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, "expected an id");

/** A moment, ISO 8601 in UTC. */
export const Timestamp = z.iso.datetime();
