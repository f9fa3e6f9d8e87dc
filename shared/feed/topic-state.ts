import { PlatformError } from "../errors/platform-error.ts";
import { emptyDigest, equalDigests, type FeedFrame, mixDigest } from "./frame.ts";

/** All entries of a topic at one revision, as encoded values by key, and their digest. */
export interface TopicState {
  readonly revision: number;
  readonly values: ReadonlyMap<string, Uint8Array>;
  readonly digest: Uint8Array;
}

/** A topic at a revision with the given entries. */
export function createTopicState(revision = 0, values: ReadonlyMap<string, Uint8Array> = new Map()): TopicState {
  let digest = emptyDigest();
  for (const [key, value] of values) digest = mixDigest(digest, key, value);
  return { revision, values, digest };
}

/**
 * The state that a frame leads to; the same object when the frame changes nothing.
 *
 * @throws {PlatformError} digest-mismatch — when the frame promises another state than the one it leads to
 */
export function applyFrame(state: TopicState, frame: FeedFrame): TopicState {
  const next = frame.kind === "snapshot" ? new Map<string, Uint8Array>() : new Map(state.values);
  let digest = frame.kind === "snapshot" ? emptyDigest() : state.digest;
  for (const [key, value] of frame.entries) {
    const old = next.get(key);
    if (old !== undefined) digest = mixDigest(digest, key, old);
    if (value !== null) digest = mixDigest(digest, key, value);
    if (value === null) next.delete(key);
    else next.set(key, Uint8Array.from(value));
  }
  if (!equalDigests(digest, frame.digest)) {
    throw new PlatformError(
      "digest-mismatch",
      `Cannot apply revision ${frame.revision}: its digest is another one, expected a resync`,
    );
  }
  const isSame = frame.kind === "delta" && frame.entries.length === 0 && frame.revision === state.revision;
  return isSame ? state : { revision: frame.revision, values: next, digest };
}
