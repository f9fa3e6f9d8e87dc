import { type FSWatcher, watch } from "node:fs";
import { basename, dirname } from "node:path";

/** What {@link watchFiles} needs. */
export interface WatchFilesOptions {
  /** Files to watch; they need not exist yet. */
  readonly paths: readonly string[];
  /** Looks after this time even when the system has told nothing: it does not on network file systems, and not of symbolic links' targets. */
  readonly pollMs: number;
  /** Called when a file may have changed. The next call comes once it has resolved. */
  readonly onChange: () => Promise<void>;
}

/** A watch; stops when disposed, after the call that runs. */
export type FileWatch = AsyncDisposable;

/** A pair is often written one file after the other: both count as one change when they come within this time. */
const settleMs = 100;

/**
 * Calls `onChange` soon after one of the files has changed, and regularly. Watches the folders rather than the files, because tools that
 * renew certificates rename new files over the old ones.
 */
export function watchFiles(options: WatchFilesOptions): FileWatch {
  const names = new Set(options.paths.map((path) => basename(path)));
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let isStopped = false;

  function look(inMs: number): void {
    clearTimeout(timer);
    if (!isStopped) timer = setTimeout(run, inMs);
  }

  function run(): void {
    running ??= options.onChange().finally(() => {
      running = undefined;
      look(options.pollMs);
    });
  }

  const folders = new Set(options.paths.map((path) => dirname(path)));
  const watchers = [...folders].flatMap((folder) =>
    watchFolder(
      folder,
      (name) => name === null || names.has(name) || name.startsWith("..") ? look(settleMs) : undefined,
    )
  );
  look(options.pollMs);
  return {
    async [Symbol.asyncDispose]() {
      isStopped = true;
      clearTimeout(timer);
      for (const watcher of watchers) watcher.close();
      await running;
    },
  };
}

/** Watches a folder; without it, or without a free watch of the system, polling has to do. */
function watchFolder(folder: string, onName: (name: string | null) => void): FSWatcher[] {
  try {
    const watcher = watch(folder, { persistent: false }, (_event, name) => onName(name));
    watcher.on("error", () => watcher.close());
    return [watcher];
  } catch {
    return [];
  }
}
