import { Buffer } from "node:buffer";

/** Longest line that is kept; podman's lines are far shorter. */
const maxLineBytes = 4 * 1024 * 1024;

/** The non-empty lines of a byte stream, as they arrive. Chunk borders mean nothing; an unfinished last line counts. */
export async function* readLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let pending = Buffer.alloc(0);
  for await (const chunk of chunks) {
    pending = Buffer.concat([pending, chunk]);
    for (let end = pending.indexOf(10); end >= 0; end = pending.indexOf(10)) {
      const line = pending.subarray(0, end).toString("utf8").trim();
      pending = pending.subarray(end + 1);
      if (line !== "") yield line;
    }
    if (pending.length > maxLineBytes) {
      throw new RangeError(`Cannot read a line: it is longer than ${maxLineBytes} bytes`);
    }
  }
  const last = pending.toString("utf8").trim();
  if (last !== "") yield last;
}
