import type { z } from "zod";
import { startFeedClient } from "#shared/feed/feed-client.ts";
import { createFeedHub } from "#shared/feed/feed-hub.ts";
import { appendFeed, feedMigration } from "#shared/feed/feed-store.ts";
import { silentLog } from "#shared/log/log.ts";
import { openTemporaryDatabase } from "#shared/store/temporary-database.ts";

/** What {@link keepFeedState} needs. */
export interface KeepFeedStateOptions<T> {
  readonly topic: string;
  readonly schema: z.ZodType<T>;
  readonly entries: Readonly<Record<string, T>>;
  /** The file that a node-local program finds its last good state in. */
  readonly statePath: string;
}

/**
 * Publishes a topic on a real feed and follows it until it is kept on disk. A program that is started on that file serves as it does
 * while the control plane is down, so that a benchmark needs none.
 */
export async function keepFeedState<T>({ topic, schema, entries, statePath }: KeepFeedStateOptions<T>): Promise<void> {
  await using database = await openTemporaryDatabase([feedMigration]);
  await using hub = createFeedHub(database);
  const changes = Object.entries(entries).map(([key, value]) => ({ key, value }));
  await hub.transaction((tx) => appendFeed(tx, topic, changes));
  const stop = new AbortController();
  const applied = Promise.withResolvers<void>();
  const feed = await startFeedClient({
    topic,
    schema,
    statePath,
    open: (since, signal) =>
      Promise.resolve(hub.answerStream(topic, since, new Request("http://feed.test", { signal }))),
    apply: ({ revision }) => revision > 0 ? applied.resolve() : undefined,
    log: silentLog,
    signal: stop.signal,
  });
  await applied.promise;
  stop.abort();
  await feed.done;
}
