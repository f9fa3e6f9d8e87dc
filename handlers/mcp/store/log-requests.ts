import { z } from "zod";
import type { FeedHub } from "#shared/feed/feed-hub.ts";
import { appendFeed } from "#shared/feed/feed-store.ts";

/** Takes back the log requests of an earlier process: nobody waits for them any more. */
export async function removeLogRequests(hub: FeedHub): Promise<void> {
  await hub.transaction(async (tx) => {
    const rows = await tx.all("SELECT topic, key FROM feed_entry WHERE key LIKE 'logs/%'");
    for (const row of rows) {
      const { topic, key } = z.object({ topic: z.string(), key: z.string() }).parse(row);
      await appendFeed(tx, topic, [{ key }]);
    }
  });
}
