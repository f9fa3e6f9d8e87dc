import { Buffer } from "node:buffer";
import { createNotifier } from "../lifecycle/queue.ts";
import { waitFor } from "../lifecycle/wait.ts";
import type { Database, Sql } from "../store/database.ts";
import { decodeCbor, encodeFrame } from "../wire/cbor.ts";
import { readFrame } from "./feed-store.ts";
import type { FeedFrame } from "./frame.ts";

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

const maxWaitSeconds = 60;

/** A hub with one waker for the whole process: a change costs one query and one write a subscriber, not one query a subscriber. */
export function createFeedHub(database: Database, options: FeedHubOptions = {}): FeedHub {
  const { pollMs = 1_000, keepAliveMs = 15_000 } = options;
  const changed = createNotifier();
  const closing = new AbortController();
  const frames = new Map<string, Promise<FeedFrame>>();
  const encoded = new WeakMap<FeedFrame, Uint8Array<ArrayBuffer>>();
  let listeners = 0;
  let poller: Promise<void> | undefined;

  return {
    async transaction(work) {
      const result = await database.transaction(work);
      wake();
      return result;
    },
    async answerPoll(topic, since, request) {
      const waitMs = waitSecondsOf(request) * 1000;
      let frame = await frameOf(topic, since);
      if (frame.entries.length === 0 && frame.revision === since && waitMs > 0) {
        const signal = AbortSignal.any([request.signal, AbortSignal.timeout(waitMs), closing.signal]);
        frame = await nextFrame(topic, since, signal);
      }
      return toPollResponse(frame, request);
    },
    answerStream(topic, since, request) {
      const stop = new AbortController();
      const signal = AbortSignal.any([request.signal, closing.signal, stop.signal]);
      let position = since;
      let isFirst = true;
      const body = new ReadableStream<Uint8Array>({
        async pull(controller) {
          const frame = isFirst
            ? await frameOf(topic, position)
            : await nextFrame(topic, position, AbortSignal.any([signal, AbortSignal.timeout(keepAliveMs)]));
          isFirst = false;
          position = frame.revision;
          if (signal.aborted) return closeQuietly(controller);
          controller.enqueue(bytesOf(frame));
        },
        cancel: () => stop.abort(),
      });
      return new Response(body, { headers: { "content-type": "application/cbor-seq", "cache-control": "no-store" } });
    },
    async [Symbol.asyncDispose]() {
      closing.abort();
      await poller;
    },
  };

  function wake(): void {
    frames.clear();
    changed.notify();
  }

  function frameOf(topic: string, since: number): Promise<FeedFrame> {
    const key = `${since} ${topic}`;
    const known = frames.get(key);
    if (known !== undefined) return known;
    const frame = readFrame(database, topic, since);
    frames.set(key, frame);
    if (frames.size > 1_000) frames.clear();
    frame.catch(() => frames.delete(key));
    return frame;
  }

  function bytesOf(frame: FeedFrame): Uint8Array {
    const known = encoded.get(frame);
    if (known !== undefined) return known;
    const bytes = encodeFrame(frame);
    encoded.set(frame, bytes);
    return bytes;
  }

  /** The first frame after `since`, or an empty one when `signal` aborts first. */
  async function nextFrame(topic: string, since: number, signal: AbortSignal): Promise<FeedFrame> {
    listeners++;
    poller ??= pollOtherWriters().finally(() => void (poller = undefined));
    try {
      for (;;) {
        const change = changed.wait(signal);
        const frame = await frameOf(topic, since);
        if (frame.revision !== since || signal.aborted) return frame;
        await change;
      }
    } finally {
      listeners--;
    }
  }

  /** Another replica of the handlers may write to the same database. */
  async function pollOtherWriters(): Promise<void> {
    let seen = await lastRevision();
    while (listeners > 0 && !closing.signal.aborted) {
      await waitFor(pollMs, closing.signal);
      const revision = await lastRevision().catch(() => seen);
      if (revision !== seen) wake();
      seen = revision;
    }
  }

  async function lastRevision(): Promise<number> {
    if (closing.signal.aborted) return 0;
    return Number((await database.first("SELECT max(revision) AS revision FROM feed_head"))?.["revision"] ?? 0);
  }
}

function closeQuietly(controller: ReadableStreamDefaultController<Uint8Array>): void {
  try {
    controller.close();
  } catch {
    return; // the subscriber has gone already
  }
}

function waitSecondsOf(request: Request): number {
  const match = /(?:^|[,;\s])wait=(\d{1,4})/.exec(request.headers.get("prefer") ?? "");
  return Math.min(Number(match?.[1] ?? 0), maxWaitSeconds);
}

function toPollResponse(frame: FeedFrame, request: Request): Response {
  const headers = { etag: `"${frame.revision}"`, "cache-control": "no-store", vary: "accept" };
  if (request.headers.get("accept")?.includes("application/json")) {
    return Response.json({
      kind: frame.kind,
      revision: frame.revision,
      digest: Buffer.from(frame.digest).toString("hex"),
      entries: frame.entries.map(([key, value]) => ({ key, value: value === null ? null : decodeCbor(value) })),
    }, { headers });
  }
  return new Response(encodeFrame(frame), { headers: { ...headers, "content-type": "application/cbor-seq" } });
}
