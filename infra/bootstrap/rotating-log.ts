import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/** A log file that is renamed to `<path>.1`, `<path>.2`, … when it grows too large. */
export interface RotatingLog extends Disposable {
  /** Appends text. */
  write(text: string): void;
}

/** Limits of a {@link RotatingLog}. */
export interface RotatingLogOptions {
  readonly path: string;
  /** Largest file; 5 MB unless given. */
  readonly maxBytes?: number;
  /** How many old files stay; 3 unless given. */
  readonly keep?: number;
}

/** Opens a log file for appending, mode 0600. Its folder is made when missing. */
export function openRotatingLog(options: RotatingLogOptions): RotatingLog {
  const { path, maxBytes = 5_000_000, keep = 3 } = options;
  mkdirSync(dirname(path), { recursive: true });
  let file = openSync(path, "a", 0o600);
  let sizeBytes = fstatSync(file).size;
  let isOpen = true;
  return {
    write(text) {
      if (!isOpen) return;
      if (sizeBytes > 0 && sizeBytes + text.length > maxBytes) rotate();
      sizeBytes += writeSync(file, text);
    },
    [Symbol.dispose]() {
      if (isOpen) closeSync(file);
      isOpen = false;
    },
  };

  function rotate(): void {
    closeSync(file);
    for (let index = keep; index > 0; index--) {
      renameIfThere(index === 1 ? path : `${path}.${index - 1}`, `${path}.${index}`);
    }
    file = openSync(path, "a", 0o600);
    sizeBytes = fstatSync(file).size;
  }
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
}
