/** Longest line of an NDJSON stream, in characters. */
const maxLineLength = 1024 * 1024;

/**
 * The lines of an NDJSON body as they come, without empty ones. A last line without an end counts only when it is whole JSON:
 * a lost connection may have cut it.
 */
export async function* readLines(response: Response): AsyncGenerator<string> {
  if (response.body === null) return;
  let rest = "";
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > maxLineLength) {
      throw new RangeError(`Cannot read the stream: a line is longer than ${maxLineLength} characters`);
    }
    yield* lines.filter((line) => line.trim() !== "");
  }
  if (isJson(rest)) yield rest;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
