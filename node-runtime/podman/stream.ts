import { Buffer } from "node:buffer";
import { PlatformError } from "#shared/errors/platform-error.ts";
import type { PodmanCall, PodmanConnection } from "./connection.ts";
import { toTransportError } from "./podman-error.ts";

/**
 * The bytes of a streaming answer. Ends quietly when `call.signal` aborts; closes the connection when the reader stops early.
 *
 * @throws {PlatformError} unavailable — when the stream breaks
 */
export async function* streamBytes(connection: PodmanConnection, call: PodmanCall): AsyncGenerator<Uint8Array> {
  // A controller of its own, so that a reader that stops early also ends a connection on which nothing arrives.
  const controller = new AbortController();
  const onAbort = () => controller.abort();
  call.signal?.addEventListener("abort", onAbort, { once: true });
  if (call.signal?.aborted) controller.abort();
  try {
    const response = await connection.open({ ...call, signal: controller.signal });
    for await (const chunk of response) yield Buffer.from(chunk);
  } catch (error) {
    if (controller.signal.aborted) return;
    throw error instanceof PlatformError ? error : toTransportError(call, error);
  } finally {
    call.signal?.removeEventListener("abort", onAbort);
    controller.abort();
  }
}
