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
 * The digest of the state that a frame leads to; `undefined` when the frame changes nothing.
 *
 * @throws {PlatformError} digest-mismatch — when the frame promises another state than the one it leads to
 */
export function checkFrame(state: TopicState, frame: FeedFrame): Uint8Array | undefined {
  const old = frame.kind === "snapshot" ? createTopicState() : state;
  let digest = old.digest;
  // A key may come twice in one frame.
  const seen = new Map<string, Uint8Array | null>();
  for (const [key, value] of frame.entries) {
    const before = seen.has(key) ? seen.get(key) : old.values.get(key);
    for (const each of [before, value]) if (each !== undefined && each !== null) digest = mixDigest(digest, key, each);
    seen.set(key, value);
  }
  if (!equalDigests(digest, frame.digest)) {
    throw new PlatformError(
      "digest-mismatch",
      `Cannot apply revision ${frame.revision}: its digest is another one, expected a resync`,
    );
  }
  const isSame = frame.kind === "delta" && frame.entries.length === 0 && frame.revision === state.revision;
  return isSame ? undefined : digest;
}

/**
 * The state that a frame leads to; the same object when the frame changes nothing.
 *
 * @throws {PlatformError} digest-mismatch — when the frame promises another state than the one it leads to
 */
export function applyFrame(state: TopicState, frame: FeedFrame): TopicState {
  const digest = checkFrame(state, frame);
  if (digest === undefined) return state;
  const values = frame.kind === "snapshot" ? new Map<string, Uint8Array>() : new Map(state.values);
  setEntries(values, frame);
  return { revision: frame.revision, values, digest };
}

/** Writes the entries of a frame to the values of a topic. */
export function setEntries(values: Map<string, Uint8Array>, frame: FeedFrame): void {
  for (const [key, value] of frame.entries) {
    if (value === null) values.delete(key);
    else values.set(key, Uint8Array.from(value));
  }
}
