import { type FileHandle, mkdir, open, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { PlatformError } from "../errors/platform-error.ts";
import type { Log } from "../log/log.ts";
import { writeFileAtomically } from "../store/atomic-file.ts";
import { decodeCbor, decodeFrames, encodeCbor, encodeFrame } from "../wire/cbor.ts";
import { FeedFrame } from "./frame.ts";
import { applyFrame, checkFrame, createTopicState, setEntries, type TopicState } from "./topic-state.ts";

/** A topic on disk: a file with the whole state, and one with the frames since, so that a change costs what it changes. */
export interface KeptTopic {
  /** The state; its values change with {@link KeptTopic.take}. */
  readonly state: TopicState;
  /**
   * Takes a frame over, first to disk and then to the state; `false` when it changes nothing.
   *
   * @throws {PlatformError} digest-mismatch — when the frame does not follow; nothing has changed then
   */
  take(frame: FeedFrame): Promise<boolean>;
  /** Forgets the state in memory, so that a snapshot is asked for; what is on disk stays until one came. */
  reset(): void;
  /** Closes the files. */
  close(): Promise<void>;
}

/** What {@link openKeptTopic} needs. */
export interface KeptTopicOptions {
  readonly topic: string;
  /** Path of the whole state; the frames since are in `<path>.journal`. */
  readonly path: string;
  readonly log: Log;
}

const KeptState = z.object({
  topic: z.string(),
  revision: z.int(),
  entries: z.array(z.tuple([z.string(), z.custom<Uint8Array>((value) => value instanceof Uint8Array)])),
});

/** Up to this size a state is written whole each time, which leaves one file to look at. */
const wholeBytes = 64 * 1024;

/** The state that is on disk, or an empty one when there is none that can be used. */
export async function openKeptTopic(options: KeptTopicOptions): Promise<KeptTopic> {
  const loaded = await load(options);
  let values = new Map(loaded.values);
  let { revision, digest } = loaded;
  const journal = createJournal(`${options.path}.journal`);
  /** Frames may be added to what is on disk: it is the state that is in memory. */
  let isFollowed = false;
  let whole = 0;

  async function write(next: TopicState): Promise<void> {
    const bytes = encodeCbor({ topic: options.topic, revision: next.revision, entries: [...next.values] });
    await writeFileAtomically(options.path, bytes);
    // A journal of an older state is passed over when it is read, so it does no harm if it stays.
    await journal.clear();
    whole = bytes.length;
    isFollowed = true;
  }

  return {
    get state() {
      return { revision, values, digest };
    },
    async take(frame) {
      const nextDigest = checkFrame({ revision, values, digest }, frame);
      if (nextDigest === undefined) return false;
      const isWhole = frame.kind === "snapshot" || !isFollowed || whole <= wholeBytes ||
        journal.sizeBytes() > Math.max(whole, 1 << 20);
      if (isWhole) {
        const next = frame.kind === "snapshot" ? new Map<string, Uint8Array>() : new Map(values);
        setEntries(next, frame);
        await write({ revision: frame.revision, values: next, digest: nextDigest });
        values = next;
      } else {
        // Half a frame at the end of the journal would hide all that follow.
        isFollowed = false;
        await journal.append(encodeFrame(frame));
        isFollowed = true;
        setEntries(values, frame);
      }
      revision = frame.revision;
      digest = nextDigest;
      return true;
    },
    reset() {
      ({ revision, digest } = createTopicState(-1));
      values = new Map();
      isFollowed = false;
    },
    close: journal.close,
  };
}

async function load(options: KeptTopicOptions): Promise<TopicState> {
  const bytes = await readFile(options.path).catch(() => undefined);
  if (bytes === undefined) return createTopicState();
  try {
    const kept = KeptState.parse(decodeCbor(bytes));
    if (kept.topic !== options.topic) {
      throw new PlatformError("conflict", `Cannot use the state of topic "${kept.topic}"`);
    }
    return await replay(createTopicState(kept.revision, new Map(kept.entries)), `${options.path}.journal`);
  } catch (error) {
    options.log.warn("the kept state cannot be used, starting from a snapshot", { path: options.path, error });
    return createTopicState();
  }
}

/** The state after the frames of a journal. It ends at the first that does not follow: a crash may have cut the last one. */
async function replay(state: TopicState, path: string): Promise<TopicState> {
  const bytes = await readFile(path).catch(() => new Uint8Array(0));
  let current: TopicState = { ...state, values: new Map(state.values) };
  try {
    for await (const item of decodeFrames(toChunks(bytes))) {
      const frame = FeedFrame.parse(item);
      if (frame.revision > current.revision) current = applyFrame(current, frame);
    }
  } catch {
    return current;
  }
  return current;
}

async function* toChunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** A file that grows by what is appended; each append is on disk when it resolves. */
function createJournal(path: string) {
  let file: FileHandle | undefined;
  let size = 0;
  return {
    sizeBytes: () => size,
    async append(bytes: Uint8Array): Promise<void> {
      await mkdir(dirname(path), { recursive: true });
      file ??= await open(path, "a", 0o600);
      await file.appendFile(bytes);
      await file.datasync();
      size += bytes.length;
    },
    async clear(): Promise<void> {
      if (file === undefined) {
        const exists = await open(path, "r+").catch(() => undefined);
        await exists?.truncate(0);
        await exists?.close();
      } else await file.truncate(0);
      size = 0;
    },
    async close(): Promise<void> {
      await file?.close();
      file = undefined;
    },
  };
}
