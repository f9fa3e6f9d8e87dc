import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { type ClientHello, type ClientHelloFault, createClientHelloReader } from "./client-hello.ts";

/** Bounds of {@link peekClientHello}. */
export interface PeekLimits {
  /** Until the first byte. */
  readonly firstByteMs: number;
  /** Until the whole ClientHello. */
  readonly clientHelloMs: number;
}

/** Why a connection ended before it could be routed. */
export type PeekFault = ClientHelloFault | "timeout" | "closed";

/** What a peek gave: the hello with every byte that was read, or why there is none. */
export type PeekResult =
  | { readonly kind: "hello"; readonly hello: ClientHello; readonly bytes: Buffer }
  | { readonly kind: "refused"; readonly reason: PeekFault; readonly alert: number | undefined };

/**
 * The ClientHello at the start of `socket`, which is left paused with the bytes taken out: `socket.unshift(bytes)` gives
 * them back. Never rejects.
 */
export function peekClientHello(socket: Socket, limits: PeekLimits): Promise<PeekResult> {
  const { promise, resolve } = Promise.withResolvers<PeekResult>();
  const reader = createClientHelloReader();
  const chunks: Buffer[] = [];
  const refuse = (reason: PeekFault, alert?: number) => finish({ kind: "refused", reason, alert });
  const firstByteTimer = setTimeout(() => refuse("timeout"), limits.firstByteMs);
  const helloTimer = setTimeout(() => refuse("timeout"), limits.clientHelloMs);
  const onEnd = () => refuse("closed");

  function onData(chunk: Buffer): void {
    clearTimeout(firstByteTimer);
    chunks.push(chunk);
    const result = reader.push(chunk);
    if (result.kind === "refused") refuse(result.reason, result.alert);
    if (result.kind === "hello") finish({ kind: "hello", hello: result, bytes: Buffer.concat(chunks) });
  }

  function finish(result: PeekResult): void {
    clearTimeout(firstByteTimer);
    clearTimeout(helloTimer);
    socket.off("data", onData).off("end", onEnd).off("close", onEnd);
    socket.pause();
    resolve(result);
  }

  socket.on("data", onData).on("end", onEnd).on("close", onEnd);
  return promise;
}
