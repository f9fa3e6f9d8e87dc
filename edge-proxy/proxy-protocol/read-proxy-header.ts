import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { parseProxyHeader } from "./parse-proxy-header.ts";
import type { ProxyHeader, ProxyHeaderFault } from "./proxy-header.ts";

/** What {@link readProxyHeader} goes by. */
export interface ReadProxyHeaderOptions {
  /** Until the whole header. */
  readonly timeoutMs: number;
  /** Whether a peer at this address may announce clients (P1). */
  readonly isTrusted: (address: string) => boolean;
}

/** Why a connection to a listener that requires a header is to be reset. */
export type ProxyHeaderRefusal = ProxyHeaderFault | "untrusted" | "timeout" | "closed";

/** What was read: the header, or why the caller must reset the connection. */
export type ReadProxyHeaderResult =
  | ProxyHeader
  | { readonly kind: "refused"; readonly reason: ProxyHeaderRefusal };

/**
 * The PROXY header at the start of `socket`, of which nothing may have been read before. All bytes after the header are back in the
 * socket, which neither flows nor is paused: the next `data` listener gets them, so `peekClientHello` may follow. Never rejects.
 */
export function readProxyHeader(socket: Socket, options: ReadProxyHeaderOptions): Promise<ReadProxyHeaderResult> {
  if (!options.isTrusted(socket.remoteAddress ?? "")) return Promise.resolve({ kind: "refused", reason: "untrusted" });
  const { promise, resolve } = Promise.withResolvers<ReadProxyHeaderResult>();
  const timer = setTimeout(() => refuse("timeout"), options.timeoutMs);
  const onEnd = () => refuse("closed");
  const refuse = (reason: ProxyHeaderRefusal) => finish({ kind: "refused", reason });
  let bytes = Buffer.alloc(0);

  function onReadable(): void {
    for (let chunk: unknown = socket.read(); chunk !== null; chunk = socket.read()) {
      if (!(chunk instanceof Uint8Array)) return refuse("closed");
      bytes = Buffer.concat([bytes, chunk]);
      const result = parseProxyHeader(bytes);
      if (result.kind === "malformed") return refuse(result.reason);
      if (result.kind === "header") {
        finish(result);
        return;
      }
    }
  }

  function finish(result: ReadProxyHeaderResult): void {
    clearTimeout(timer);
    // Without a listener for "readable" the stream decides anew how it is read, so a later "data" listener lets it flow.
    socket.off("readable", onReadable).off("end", onEnd).off("close", onEnd);
    if (result.kind === "header" && bytes.length > result.length) socket.unshift(bytes.subarray(result.length));
    resolve(result);
  }

  socket.on("readable", onReadable).on("end", onEnd).on("close", onEnd);
  return promise;
}
