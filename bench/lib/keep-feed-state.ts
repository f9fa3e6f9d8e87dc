import type { z } from "zod";
import { startFeedClient } from "#shared/feed/feed-client.ts";
import { emptyDigest, type FeedFrame, mixDigest } from "#shared/feed/frame.ts";
import { silentLog } from "#shared/log/log.ts";
import { encodeCbor, encodeFrame } from "#shared/wire/cbor.ts";

/** What {@link keepFeedState} needs. */
export interface KeepFeedStateOptions<T> {
  readonly topic: string;
  readonly schema: z.ZodType<T>;
  readonly entries: Readonly<Record<string, T>>;
  /** The file that a node-local program finds its last good state in. */
  readonly statePath: string;
}

/**
 * Lets a real feed client follow a topic until it is kept on disk, as revision 1. A program that is started on that file serves as it
 * does while the control plane is down, so that a benchmark needs none.
 */
export async function keepFeedState<T>({ topic, schema, entries, statePath }: KeepFeedStateOptions<T>): Promise<void> {
  const body = new Uint8Array(encodeFrame(toSnapshot(entries)));
  const stop = new AbortController();
  const applied = Promise.withResolvers<void>();
  const feed = await startFeedClient({
    topic,
    schema,
    statePath,
    open: () => Promise.resolve(new Response(body)),
    apply: ({ revision }) => revision > 0 ? applied.resolve() : undefined,
    log: silentLog,
    signal: stop.signal,
  });
  await applied.promise;
  stop.abort();
  await feed.done;
}

/** The frame that a topic with these entries starts with, at revision 1. */
export function toSnapshot(entries: Readonly<Record<string, unknown>>): FeedFrame {
  let digest = emptyDigest();
  const encoded = Object.entries(entries).map(([key, value]): [string, Uint8Array] => {
    const bytes = encodeCbor(value);
    digest = mixDigest(digest, key, bytes);
    return [key, bytes];
  });
  return { kind: "snapshot", revision: 1, digest, entries: encoded };
}
