import { z } from "zod";
import { waitFor } from "../lifecycle/wait.ts";
import type { Sql } from "../store/database.ts";

/** Looks for changes that other processes write to the same database, while somebody listens. */
export interface WriterWatch extends AsyncDisposable {
  /** Counts one listener more, until the answer is called. */
  listen(): () => void;
}

/** What {@link watchWriters} needs. */
export interface WriterWatchOptions {
  /** How often the database is looked at, in milliseconds. */
  readonly pollMs: number;
  /** Called when the newest revision of all topics is another one than last time. */
  readonly onChange: () => void;
}

const Newest = z.object({ revision: z.int().nullable() });

/** A watch without listeners; one query each `pollMs` while there is at least one, none otherwise. */
export function watchWriters(database: Sql, options: WriterWatchOptions): WriterWatch {
  const closing = new AbortController();
  let listeners = 0;
  // Kept between runs: what was written while nobody listened is a change too.
  let seen: number | undefined;
  let running: Promise<void> | undefined;
  return {
    listen() {
      listeners++;
      running ??= run();
      return () => void listeners--;
    },
    async [Symbol.asyncDispose]() {
      closing.abort();
      await running;
    },
  };

  async function run(): Promise<void> {
    while (listeners > 0 && !closing.signal.aborted) {
      await waitFor(options.pollMs, closing.signal);
      if (!closing.signal.aborted) await look();
    }
    running = undefined;
  }

  /** A database that cannot be read now is looked at again next time; whoever reads frames reports it. */
  async function look(): Promise<void> {
    const row = await database.first("SELECT max(revision) AS revision FROM feed_head").catch(() => undefined);
    if (row === undefined) return;
    const revision = Newest.parse(row).revision ?? 0;
    if (revision !== seen) options.onChange();
    seen = revision;
  }
}
