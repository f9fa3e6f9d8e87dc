import { open } from "node:fs/promises";
import type { ByteRange } from "../domain/range.ts";

/** Bytes read at once. Larger pieces than the 64 KiB of a file stream double the rate of a download. */
const readBytes = 1024 * 1024;

/**
 * A range of a file as a stream that reads when it is asked and closes the file at its end, on failure and when cancelled.
 * A file that ends before the range does breaks the stream, so that no client takes a part for the whole.
 */
export async function readRange(path: string, range: ByteRange): Promise<ReadableStream<Uint8Array>> {
  const file = await open(path, "r");
  let position = range.first;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const wantedBytes = Math.min(readBytes, range.last + 1 - position);
        if (wantedBytes > 0) {
          const { bytesRead, buffer } = await file.read(new Uint8Array(wantedBytes), 0, wantedBytes, position);
          if (bytesRead === 0) throw new Error(`The file ends at ${position}, expected bytes up to ${range.last}`);
          position += bytesRead;
          controller.enqueue(buffer.subarray(0, bytesRead));
        }
        if (position > range.last) {
          await file.close();
          controller.close();
        }
      } catch (error) {
        await file.close();
        controller.error(error);
      }
    },
    cancel: () => file.close(),
  }, { highWaterMark: 0 });
}
