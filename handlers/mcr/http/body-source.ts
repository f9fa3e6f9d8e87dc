import { Readable } from "node:stream";
import type { Context } from "hono";
import { ociError } from "../domain/oci-error.ts";

/** A request's body as it arrives. */
export interface BodySource {
  /**
   * The bytes, once. Stops with the signal's reason when it aborts.
   *
   * @throws {PlatformError} cancelled (BLOB_UPLOAD_INVALID) — when the client is gone before the end
   */
  read(signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/**
 * The body of a request: from Node's own message when the server hands it over (no web stream in between: a quarter faster), else from the
 * web request.
 */
export function bodySourceOf(context: Context): BodySource {
  const incoming: unknown = context.env?.incoming;
  const request = context.req.raw;
  return {
    read(signal) {
      // Once anybody made a web stream of it, that stream alone has all bytes.
      if (incoming instanceof Readable && incoming.readableFlowing === null) return readIncoming(incoming, signal);
      return request.body === null ? readNothing() : readWeb(request.body, signal);
    },
  };
}

async function* readNothing(): AsyncIterable<Uint8Array> {}

async function* readIncoming(incoming: Readable, signal: AbortSignal): AsyncIterable<Uint8Array> {
  const stop = () => void incoming.destroy(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  try {
    // The connection still has to carry the answer after a failure, so leaving the loop must not destroy the message.
    for await (const chunk of incoming.iterator({ destroyOnReturn: false })) yield chunk;
    signal.throwIfAborted();
  } catch (cause) {
    throw signal.aborted ? signal.reason : clientGone(cause);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

async function* readWeb(body: ReadableStream<Uint8Array>, signal: AbortSignal): AsyncIterable<Uint8Array> {
  const reader = body.getReader();
  const stop = () => void reader.cancel(signal.reason).catch(() => undefined);
  signal.addEventListener("abort", stop, { once: true });
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      yield value;
    }
    signal.throwIfAborted();
  } catch (cause) {
    throw signal.aborted ? signal.reason : clientGone(cause);
  } finally {
    signal.removeEventListener("abort", stop);
    reader.releaseLock();
  }
}

function clientGone(cause: unknown): Error {
  return ociError("BLOB_UPLOAD_INVALID", "Cannot read the body: the client is gone before its end", {
    code: "cancelled",
    cause,
  });
}
