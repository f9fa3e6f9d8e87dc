import { createHash } from "node:crypto";
import { z } from "zod";

/** Bytes of a state digest. */
export const digestBytes = 32;

const Bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array, "expected bytes");

/**
 * One step of a topic. A `snapshot` replaces everything; a `delta` follows the revision that the subscriber named.
 * Values are CBOR items carried as byte strings, `null` removes the key.
 */
export const FeedFrame = z.object({
  kind: z.enum(["snapshot", "delta"]),
  /** Revision of the topic after this frame. */
  revision: z.int().min(0),
  /** Digest of the whole state after this frame, see {@link mixDigest}. */
  digest: Bytes.refine((bytes) => bytes.length === digestBytes),
  entries: z.array(z.tuple([z.string().max(512), Bytes.nullable()])),
});
/** One step of a topic. */
export type FeedFrame = z.infer<typeof FeedFrame>;

/** The digest of an empty state. */
export function emptyDigest(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(digestBytes);
}

/**
 * Adds an entry to a state digest, or takes it out: digests are the XOR of SHA-256(key ‖ 0 ‖ value) over all entries,
 * so order does not matter and a change costs two hashes whatever the size of the state.
 */
export function mixDigest(digest: Uint8Array, key: string, value: Uint8Array): Uint8Array<ArrayBuffer> {
  const hash = createHash("sha256").update(key).update("\0").update(value).digest();
  return Uint8Array.from(digest, (byte, index) => byte ^ (hash[index] ?? 0));
}

/** Says whether two digests are equal. */
export function equalDigests(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
