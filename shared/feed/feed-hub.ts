import { createNotifier, type Notifier } from "../lifecycle/queue.ts";
import type { Database, Sql } from "../store/database.ts";
import { encodeFrame } from "../wire/cbor.ts";
import type { FeedFrame } from "./frame.ts";
import { createFrameCache, type FrameCache } from "./frame-cache.ts";
import { toPollResponse, waitMsOf } from "./poll-response.ts";
import { watchWriters, type WriterWatch } from "./watch-writers.ts";

/** Serves the feed topics of one database to any number of subscribers. */
export interface FeedHub extends AsyncDisposable {
  /** Runs a transaction, and wakes the subscribers once it is committed. */
  transaction<T>(work: (tx: Sql) => Promise<T>): Promise<T>;
  /** Answers `GET /v1/feed/{topic}`: one frame, after a long poll when `Prefer: wait=N` asks for it (RFC 7240 §4.3). */
  answerPoll(topic: string, since: number, request: Request): Promise<Response>;
  /** Answers `GET /v1/feed/{topic}/stream`: frames for as long as the subscriber stays. */
  answerStream(topic: string, since: number, request: Request): Response;
}

/** Timing of a {@link FeedHub}, in milliseconds. */
export interface FeedHubOptions {
  /** How often other processes' writes are looked for while somebody listens. */
  readonly pollMs?: number;
  /** A silent stream carries an empty frame this often, so that both ends notice a dead peer. */
  readonly keepAliveMs?: number;
}

interface HubParts {
  readonly frames: FrameCache;
  readonly changed: Notifier;
  readonly writers: WriterWatch;
  readonly closing: AbortSignal;
  readonly keepAliveMs: number;
}

/** A hub with one waker for the whole process: a change costs one query and one write a subscriber, not one query a subscriber. */
export function createFeedHub(database: Database, options: FeedHubOptions = {}): FeedHub {
  const { pollMs = 1_000, keepAliveMs = 15_000 } = options;
  const changed = createNotifier();
  const closing = new AbortController();
  const frames = createFrameCache(database);
  const writers = watchWriters(database, { pollMs, onChange: wake });
  const parts = { frames, changed, writers, closing: closing.signal, keepAliveMs };
  const encode = createFrameEncoder();
  return {
    async transaction(work) {
      const result = await database.transaction(work);
      wake();
      return result;
    },
    answerPoll: async (topic, since, request) => toPollResponse(await poll(parts, topic, since, request), request),
    answerStream: (topic, since, request) =>
      new Response(streamFrames(parts, { topic, since, signal: request.signal, encode }), {
        headers: { "content-type": "application/cbor-seq", "cache-control": "no-store" },
      }),
    async [Symbol.asyncDispose]() {
      closing.abort();
      await writers[Symbol.asyncDispose]();
    },
  };

  function wake(): void {
    frames.clear();
    changed.notify();
  }
}

async function poll(parts: HubParts, topic: string, since: number, request: Request): Promise<FeedFrame> {
  const waitMs = waitMsOf(request);
  const frame = await parts.frames.fresh(topic, since);
  if (frame.revision !== since || waitMs === 0) return frame;
  return await nextFrame(
    parts,
    topic,
    since,
    AbortSignal.any([request.signal, AbortSignal.timeout(waitMs), parts.closing]),
  );
}

interface StreamOptions {
  readonly topic: string;
  readonly since: number;
  readonly signal: AbortSignal;
  readonly encode: (frame: FeedFrame) => Uint8Array;
}

function streamFrames(
  parts: HubParts,
  { topic, since, signal: requestSignal, encode }: StreamOptions,
): ReadableStream<Uint8Array> {
  const stop = new AbortController();
  const signal = AbortSignal.any([requestSignal, parts.closing, stop.signal]);
  let position = since;
  let isFirst = true;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const frame = isFirst
        ? await parts.frames.fresh(topic, position)
        : await nextFrame(parts, topic, position, AbortSignal.any([signal, AbortSignal.timeout(parts.keepAliveMs)]));
      isFirst = false;
      position = frame.revision;
      if (signal.aborted) closeQuietly(controller);
      else controller.enqueue(encode(frame));
    },
    cancel: () => stop.abort(),
  });
}

/** The first frame after `since`, or an empty one when `signal` aborts first. */
async function nextFrame(parts: HubParts, topic: string, since: number, signal: AbortSignal): Promise<FeedFrame> {
  const leave = parts.writers.listen();
  try {
    for (;;) {
      const change = parts.changed.wait(signal);
      const frame = await parts.frames.known(topic, since);
      if (frame.revision !== since || signal.aborted) return frame;
      await change;
      if (signal.aborted) return frame;
    }
  } finally {
    leave();
  }
}

/** Encodes a frame once, however many subscribers it goes to. */
function createFrameEncoder(): (frame: FeedFrame) => Uint8Array {
  const encoded = new WeakMap<FeedFrame, Uint8Array<ArrayBuffer>>();
  return (frame) => {
    const known = encoded.get(frame);
    if (known !== undefined) return known;
    const bytes = encodeFrame(frame);
    encoded.set(frame, bytes);
    return bytes;
  };
}

function closeQuietly(controller: ReadableStreamDefaultController<Uint8Array>): void {
  try {
    controller.close();
  } catch {
    return; // the subscriber has gone already
  }
}
