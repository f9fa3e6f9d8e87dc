import type { Sql } from "../store/database.ts";
import { readFrame } from "./feed-store.ts";
import type { FeedFrame } from "./frame.ts";

/** Frames that were read since the last change: many subscribers at one revision cost one query. */
export interface FrameCache {
  /** The frame after `since`, as known since the last {@link clear}. */
  known(topic: string, since: number): Promise<FeedFrame>;
  /** The same as the database has it now; shared only with those who ask while it is being read. */
  fresh(topic: string, since: number): Promise<FeedFrame>;
  /** Forgets all frames; called after each change. */
  clear(): void;
}

interface CachedFrame {
  readonly frame: Promise<FeedFrame>;
  isRead: boolean;
}

const maxFrames = 1_000;

/** A cache without frames. */
export function createFrameCache(database: Sql): FrameCache {
  const frames = new Map<string, CachedFrame>();
  return {
    known: (topic, since) => (frames.get(keyOf(topic, since)) ?? read(topic, since)).frame,
    fresh(topic, since) {
      const cached = frames.get(keyOf(topic, since));
      return (cached?.isRead === false ? cached : read(topic, since)).frame;
    },
    clear: () => frames.clear(),
  };

  function read(topic: string, since: number): CachedFrame {
    const key = keyOf(topic, since);
    const cached: CachedFrame = { frame: readFrame(database, topic, since), isRead: false };
    if (frames.size >= maxFrames) frames.clear();
    frames.set(key, cached);
    cached.frame.then(
      () => void (cached.isRead = true),
      () => void (frames.get(key) === cached && frames.delete(key)),
    );
    return cached;
  }
}

function keyOf(topic: string, since: number): string {
  return `${since} ${topic}`;
}
