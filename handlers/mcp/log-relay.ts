import type { LogRequest } from "#shared/contract/mcp.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { appendFeed } from "#shared/feed/feed-store.ts";
import type { FeedHub } from "#shared/feed/feed-hub.ts";
import { nodeTopic } from "./context.ts";

/** Joins those who want logs with the node that has them: the wish travels by the node's feed, the lines come back as a request body. */
export interface LogRelay {
  /** The lines that the node sends, once it has begun. Cancelling the stream or aborting `signal` takes the wish back. */
  open(node: string, request: LogRequest, signal: AbortSignal): Promise<ReadableStream<Uint8Array>>;
  /** Hands the node's lines to whoever waits for them; resolves when either end is done. */
  deliver(node: string, requestId: string, lines: ReadableStream<Uint8Array>): Promise<void>;
}

/** How long a node may take to begin, in milliseconds. */
const startLimitMs = 10_000;
const maxOpen = 64;

interface Waiting {
  readonly node: string;
  readonly stream: TransformStream<Uint8Array, Uint8Array>;
  readonly begin: () => void;
}

/**
 * A relay. Wishes are held by the process that asked, so the node's answer must reach the same replica; everything else about logs
 * is on the node.
 */
export function createLogRelay(hub: FeedHub): LogRelay {
  const waiting = new Map<string, Waiting>();
  return {
    async open(node, request, signal) {
      if (waiting.size >= maxOpen) {
        throw new PlatformError("rate-limited", `Cannot stream logs: ${maxOpen} streams are open, expected fewer`, {
          details: { retryAfterSeconds: 5 },
        });
      }
      const begun = Promise.withResolvers<void>();
      const stream = new TransformStream<Uint8Array, Uint8Array>();
      waiting.set(request.requestId, { node, stream, begin: begun.resolve });
      const takeBack = () => void withdraw(node, request.requestId).catch(() => undefined);
      signal.addEventListener("abort", takeBack, { once: true });
      try {
        await publish(node, request.requestId, request);
        await beginInTime(begun.promise, node, signal);
      } catch (error) {
        takeBack();
        throw error;
      }
      return stream.readable;
    },
    async deliver(node, requestId, lines) {
      const wish = waiting.get(requestId);
      if (wish === undefined || wish.node !== node) {
        throw new PlatformError("not-found", `Cannot deliver logs for "${requestId}": nobody waits for them`);
      }
      wish.begin();
      try {
        await lines.pipeTo(wish.stream.writable);
      } catch {
        return; // one of the two ends has gone, which is how most log streams end
      } finally {
        await withdraw(node, requestId);
      }
    },
  };

  async function withdraw(node: string, requestId: string): Promise<void> {
    if (waiting.delete(requestId)) await publish(node, requestId, undefined);
  }

  async function publish(node: string, requestId: string, value: LogRequest | undefined): Promise<void> {
    const change = { key: `logs/${requestId}`, ...(value === undefined ? {} : { value }) };
    await hub.transaction((tx) => appendFeed(tx, nodeTopic(node), [change]));
  }
}

async function beginInTime(begun: Promise<void>, node: string, signal: AbortSignal): Promise<void> {
  const gaveUp = Promise.withResolvers<never>();
  const refuse = () =>
    gaveUp.reject(new PlatformError("unavailable", `Cannot stream logs: node "${node}" did not answer in time`));
  const timer = setTimeout(refuse, startLimitMs);
  signal.addEventListener("abort", refuse, { once: true });
  try {
    await Promise.race([begun, gaveUp.promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", refuse);
  }
}
