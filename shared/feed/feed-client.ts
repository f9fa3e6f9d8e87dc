import { readFile } from "node:fs/promises";
import { z } from "zod";
import { PlatformError } from "../errors/platform-error.ts";
import { runLoop } from "../lifecycle/run-loop.ts";
import type { Log } from "../log/log.ts";
import { writeFileAtomically } from "../store/atomic-file.ts";
import { decodeCbor, decodeFrames, encodeCbor } from "../wire/cbor.ts";
import { emptyDigest, equalDigests, FeedFrame, mixDigest } from "./frame.ts";

/** The state of a topic at one revision. */
export interface FeedState<T> {
  readonly revision: number;
  /** Parsed values by key; a value that does not parse is left out and logged. */
  readonly entries: ReadonlyMap<string, T>;
}

/** What {@link startFeedClient} needs. */
export interface FeedClientOptions<T> {
  /** Name of the topic in logs and in the state file. */
  readonly topic: string;
  /** Opens the stream of frames after `since`; rejects when the control plane cannot be reached. */
  readonly open: (since: number, signal: AbortSignal) => Promise<Response>;
  /** Where the last good state is kept. */
  readonly statePath: string;
  readonly schema: z.ZodType<T>;
  /** Called with each new state, one call at a time; also with the kept one at start. */
  readonly apply: (state: FeedState<T>) => Promise<void> | void;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** A running subscription. */
export interface FeedClient<T> {
  /** The newest state. */
  readonly state: FeedState<T>;
  /** Resolves once the subscription has ended. */
  readonly done: Promise<void>;
}

const KeptState = z.object({
  topic: z.string(),
  revision: z.int(),
  entries: z.array(z.tuple([z.string(), z.custom<Uint8Array>((value) => value instanceof Uint8Array)])),
});

/**
 * Subscribes to a topic until `signal` aborts: applies the last good state from disk, then each frame in order.
 * The digest of each frame is checked against the state it leads to; a mismatch starts again from a snapshot.
 * The state is on disk before it is applied, so what serves is what a restart would serve.
 */
export async function startFeedClient<T>(options: FeedClientOptions<T>): Promise<FeedClient<T>> {
  const raw = await loadKept(options);
  let revision = raw.revision;
  let values = raw.entries;
  let digest = digestOf(values);
  let state = toState(revision, values, options);
  if (revision > 0) await options.apply(state);

  const done = runLoop(async (signal) => {
    const response = await options.open(revision, signal);
    if (response.body === null) throw new PlatformError("upstream-failed", `Cannot follow "${options.topic}": there is no body`);
    for await (const item of decodeFrames(response.body)) await take(FeedFrame.parse(item));
    if (!signal.aborted) throw new PlatformError("unavailable", `Cannot follow "${options.topic}": the stream has ended`);
  }, { name: `feed ${options.topic}`, log: options.log, signal: options.signal, minMs: 100, maxMs: 5_000 });
  return {
    get state() {
      return state;
    },
    done,
  };

  async function take(frame: FeedFrame): Promise<void> {
    if (frame.kind === "delta" && frame.revision === revision && frame.entries.length === 0) return;
    const next = frame.kind === "snapshot" ? new Map<string, Uint8Array>() : new Map(values);
    let nextDigest = frame.kind === "snapshot" ? emptyDigest() : digest;
    for (const [key, value] of frame.entries) {
      const old = next.get(key);
      if (old !== undefined) nextDigest = mixDigest(nextDigest, key, old);
      if (value !== null) nextDigest = mixDigest(nextDigest, key, value);
      if (value === null) next.delete(key);
      else next.set(key, Uint8Array.from(value));
    }
    if (!equalDigests(nextDigest, frame.digest)) {
      revision = 0;
      throw new PlatformError("digest-mismatch", `Cannot apply revision ${frame.revision} of "${options.topic}": starting again`);
    }
    [revision, values, digest] = [frame.revision, next, nextDigest];
    await writeFileAtomically(options.statePath, encodeCbor({ topic: options.topic, revision, entries: [...values] }));
    state = toState(revision, values, options);
    await options.apply(state);
  }
}

async function loadKept<T>(options: FeedClientOptions<T>): Promise<{ revision: number; entries: Map<string, Uint8Array> }> {
  const bytes = await readFile(options.statePath).catch(() => undefined);
  if (bytes === undefined) return { revision: 0, entries: new Map() };
  try {
    const kept = KeptState.parse(decodeCbor(bytes));
    if (kept.topic !== options.topic) throw new PlatformError("conflict", `Cannot use the state of topic "${kept.topic}"`);
    return { revision: kept.revision, entries: new Map(kept.entries) };
  } catch (error) {
    options.log.warn("the kept state cannot be used, starting from a snapshot", { path: options.statePath, error });
    return { revision: 0, entries: new Map() };
  }
}

function digestOf(values: ReadonlyMap<string, Uint8Array>): Uint8Array {
  let digest = emptyDigest();
  for (const [key, value] of values) digest = mixDigest(digest, key, value);
  return digest;
}

function toState<T>(revision: number, values: ReadonlyMap<string, Uint8Array>, options: FeedClientOptions<T>): FeedState<T> {
  const entries = new Map<string, T>();
  for (const [key, value] of values) {
    const parsed = options.schema.safeParse(decodeCbor(value));
    if (parsed.success) entries.set(key, parsed.data);
    else options.log.error("an entry of the feed does not parse and is left out", { topic: options.topic, key, error: parsed.error });
  }
  return { revision, entries };
}
