import type { FileHandle } from "node:fs/promises";

/** Bytes gathered before a write. Small writes cost a thread hop each. */
const batchBytes = 1024 * 1024;

/** Where {@link appendStream} writes and who sees the bytes. */
export interface AppendOptions {
  /** Position of the first byte in the file. */
  readonly offsetBytes: number;
  /** Sees each batch in order, while the disk writes it. */
  readonly onBatch: (bytes: Uint8Array) => void;
}

/**
 * Appends what a source yields, in batches of about 1 MiB; gives the number of bytes written. When the source breaks, what had arrived is
 * written before the error goes on, so that an interrupted upload continues from there.
 */
export async function appendStream(
  file: FileHandle,
  source: AsyncIterable<Uint8Array>,
  options: AppendOptions,
): Promise<number> {
  let position = options.offsetBytes;
  let filling = new Uint8Array(batchBytes);
  let spare = new Uint8Array(batchBytes);
  let filledBytes = 0;
  let write: Promise<void> = Promise.resolve();

  async function flush(): Promise<void> {
    await write;
    const batch = filling.subarray(0, filledBytes);
    write = writeAll(file, batch, position);
    // A failed write is seen at the next flush, not as an unhandled rejection.
    write.catch(() => undefined);
    options.onBatch(batch);
    position += filledBytes;
    [filling, spare, filledBytes] = [spare, filling, 0];
  }

  try {
    for await (const chunk of source) {
      for (let taken = 0; taken < chunk.byteLength;) {
        const part = chunk.subarray(taken, taken + batchBytes - filledBytes);
        filling.set(part, filledBytes);
        filledBytes += part.byteLength;
        taken += part.byteLength;
        if (filledBytes === batchBytes) await flush();
      }
    }
  } finally {
    await flush();
    await write;
  }
  return position - options.offsetBytes;
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let written = 0; written < bytes.byteLength;) {
    const { bytesWritten } = await file.write(bytes, written, bytes.byteLength - written, position + written);
    written += bytesWritten;
  }
}
