import { readFile } from "node:fs/promises";
import { z } from "zod";
import { PlatformError } from "../errors/platform-error.ts";
import { runLoop } from "../lifecycle/run-loop.ts";
import type { Log } from "../log/log.ts";
import { writeFileAtomically } from "../store/atomic-file.ts";
import { decodeCbor, decodeFrames, encodeCbor } from "../wire/cbor.ts";
import { FeedFrame } from "./frame.ts";
import { applyFrame, createTopicState, type TopicState } from "./topic-state.ts";

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
 * The state is on disk before it is applied, so what serves is what a restart would serve. An `apply` that fails is
 * tried again with the next connection.
 */
export async function startFeedClient<T>(options: FeedClientOptions<T>): Promise<FeedClient<T>> {
  let topic = await loadKept(options);
  let state = toState(topic, options);
  let isApplied = topic.revision === 0;
  await applyState();

  const done = runLoop(follow, {
    name: `feed ${options.topic}`,
    log: options.log,
    signal: options.signal,
    minMs: 100,
    maxMs: 5_000,
  });
  return {
    get state() {
      return state;
    },
    done,
  };

  async function follow(signal: AbortSignal): Promise<void> {
    await applyState();
    const response = await options.open(Math.max(0, topic.revision), signal);
    if (response.body === null) {
      throw new PlatformError("upstream-failed", `Cannot follow "${options.topic}": there is no body`);
    }
    for await (const item of decodeFrames(response.body)) await take(FeedFrame.parse(item));
    if (!signal.aborted) {
      throw new PlatformError("unavailable", `Cannot follow "${options.topic}": the stream has ended`);
    }
  }

  async function take(frame: FeedFrame): Promise<void> {
    assertNotEmptied(frame, topic, options);
    const next = applyOrResync(frame);
    if (next === topic) return;
    await writeFileAtomically(options.statePath, encodeKept(options.topic, next));
    topic = next;
    state = toState(topic, options);
    isApplied = false;
    await applyState();
  }

  function applyOrResync(frame: FeedFrame): TopicState {
    try {
      return applyFrame(topic, frame);
    } catch (error) {
      // What comes next is applied even if it is the empty state of a topic that nothing was ever appended to.
      topic = createTopicState(-1);
      throw error;
    }
  }

  async function applyState(): Promise<void> {
    if (isApplied) return;
    await options.apply(state);
    isApplied = true;
  }
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

function encodeKept(name: string, topic: TopicState): Uint8Array {
  return encodeCbor({ topic: name, revision: topic.revision, entries: [...topic.values] });
}

async function loadKept<T>(options: FeedClientOptions<T>): Promise<TopicState> {
  const bytes = await readFile(options.statePath).catch(() => undefined);
  if (bytes === undefined) return createTopicState();
  try {
    const kept = KeptState.parse(decodeCbor(bytes));
    if (kept.topic !== options.topic) {
      throw new PlatformError("conflict", `Cannot use the state of topic "${kept.topic}"`);
    }
    return createTopicState(kept.revision, new Map(kept.entries));
  } catch (error) {
    options.log.warn("the kept state cannot be used, starting from a snapshot", { path: options.statePath, error });
    return createTopicState();
  }
}

function toState<T>(topic: TopicState, options: FeedClientOptions<T>): FeedState<T> {
  const entries = new Map<string, T>();
  for (const [key, value] of topic.values) {
    try {
      entries.set(key, options.schema.parse(decodeCbor(value)));
    } catch (error) {
      options.log.error("an entry of the feed does not parse and is left out", { topic: options.topic, key, error });
    }
  }
  return { revision: topic.revision, entries };
}
