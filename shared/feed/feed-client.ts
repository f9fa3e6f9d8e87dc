import type { z } from "zod";
import { PlatformError } from "../errors/platform-error.ts";
import { runLoop } from "../lifecycle/run-loop.ts";
import type { Log } from "../log/log.ts";
import { decodeCbor, decodeFrames } from "../wire/cbor.ts";
import { FeedFrame } from "./frame.ts";
import { openKeptTopic } from "./kept-topic.ts";
import type { TopicState } from "./topic-state.ts";

/** The state of a topic at one revision. */
export interface FeedState<T> {
  readonly revision: number;
  /** Parsed values by key; a value that does not parse is left out and logged. */
  readonly entries: ReadonlyMap<string, T>;
}

/** A step from one state of a topic to the next. */
export interface FeedChanges<T> {
  /** Whether every key that is not named here is gone. */
  readonly isWhole: boolean;
  /** Values that are new or other ones. */
  readonly set: ReadonlyMap<string, T>;
  /** Keys that are gone, or whose value does not parse any more. */
  readonly removed: readonly string[];
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
  readonly apply?: (state: FeedState<T>) => Promise<void> | void;
  /**
   * Called with each step, one call at a time; first with the whole kept state, and with the whole state after a step that failed. With
   * it the `entries` of {@link FeedState} change in place, so that a step costs what it changes.
   */
  readonly applyChanges?: (changes: FeedChanges<T>, revision: number) => Promise<void> | void;
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

/**
 * Subscribes to a topic until `signal` aborts: applies the last good state from disk, then each frame in order.
 * The digest of each frame is checked against the state it leads to; a mismatch starts again from a snapshot.
 * The state is on disk before it is applied, so what serves is what a restart would serve. An `apply` that fails is
 * tried again with the next connection.
 */
export async function startFeedClient<T>(options: FeedClientOptions<T>): Promise<FeedClient<T>> {
  const kept = await openKeptTopic({ ...options, path: options.statePath });
  const parsed = createParsedTopic(options);
  parsed.replace(kept.state.values);
  let state = parsed.stateAt(kept.state.revision);
  let changes = parsed.whole();
  let isApplied = kept.state.revision === 0;
  await applyState();

  const { log, signal } = options;
  const loop = runLoop(follow, { name: `feed ${options.topic}`, log, signal, minMs: 100, maxMs: 5_000 });
  return {
    get state() {
      return state;
    },
    done: loop.then(() => kept.close()),
  };

  async function follow(signal: AbortSignal): Promise<void> {
    await applyState();
    const response = await options.open(Math.max(0, kept.state.revision), signal);
    if (response.body === null) {
      throw new PlatformError("upstream-failed", `Cannot follow "${options.topic}": there is no body`);
    }
    for await (const item of decodeFrames(response.body)) await take(FeedFrame.parse(item));
    if (!signal.aborted) {
      throw new PlatformError("unavailable", `Cannot follow "${options.topic}": the stream has ended`);
    }
  }

  async function take(frame: FeedFrame): Promise<void> {
    assertNotEmptied(frame, kept.state, options);
    if (!await takeOrResync(frame)) return;
    const step = parsed.take(frame);
    changes = isApplied ? step : parsed.whole();
    state = parsed.stateAt(frame.revision);
    isApplied = false;
    await applyState();
  }

  async function takeOrResync(frame: FeedFrame): Promise<boolean> {
    try {
      return await kept.take(frame);
    } catch (error) {
      // What comes next is applied even if it is the empty state of a topic that nothing was ever appended to.
      kept.reset();
      throw error;
    }
  }

  async function applyState(): Promise<void> {
    if (isApplied) return;
    try {
      await options.applyChanges?.(changes, state.revision);
      await options.apply?.(state);
      isApplied = true;
    } catch (error) {
      changes = parsed.whole();
      throw error;
    }
  }
}

/** The values of a topic, parsed once each. */
interface ParsedTopic<T> {
  /** Parses everything anew. */
  replace(values: ReadonlyMap<string, Uint8Array>): void;
  /** Parses what a frame brings. */
  take(frame: FeedFrame): FeedChanges<T>;
  /** The step from nothing to what there is. */
  whole(): FeedChanges<T>;
  stateAt(revision: number): FeedState<T>;
}

function createParsedTopic<T>(options: FeedClientOptions<T>): ParsedTopic<T> {
  const { schema, topic, log } = options;
  let entries = new Map<string, T>();

  function set(key: string, value: Uint8Array): boolean {
    try {
      entries.set(key, schema.parse(decodeCbor(value)));
      return true;
    } catch (error) {
      entries.delete(key);
      log.error("an entry of the feed does not parse and is left out", { topic, key, error });
      return false;
    }
  }

  function whole(): FeedChanges<T> {
    return { isWhole: true, set: entries, removed: [] };
  }

  return {
    replace(values) {
      entries = new Map();
      for (const [key, value] of values) set(key, value);
    },
    take(frame) {
      // Whoever is given whole states may keep them.
      if (frame.kind === "snapshot") entries = new Map();
      else if (options.applyChanges === undefined) entries = new Map(entries);
      const changed = new Map<string, T>();
      const removed = new Set<string>();
      for (const [key, value] of frame.entries) {
        if (value === null) entries.delete(key);
        else set(key, value);
        const parsed = entries.get(key);
        if (parsed === undefined) {
          changed.delete(key);
          removed.add(key);
        } else {
          removed.delete(key);
          changed.set(key, parsed);
        }
      }
      return frame.kind === "snapshot" ? whole() : { isWhole: false, set: changed, removed: [...removed] };
    },
    whole,
    stateAt: (revision) => ({ revision, entries }),
  };
}

/** A control plane that has lost its database must not stop what runs: only people can say that nothing should run. */
function assertNotEmptied(
  frame: FeedFrame,
  kept: TopicState,
  options: Pick<FeedClientOptions<never>, "topic" | "statePath">,
): void {
  if (frame.revision > 0 || kept.values.size === 0) return;
  throw new PlatformError(
    "conflict",
    `Cannot follow "${options.topic}": the control plane has never written to it, but revision ${kept.revision} is kept here, ` +
      `expected its database to be restored, or "${options.statePath}" to be removed`,
  );
}
