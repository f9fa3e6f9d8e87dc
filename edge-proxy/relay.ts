import type { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import type { TakeBytes } from "./connect-l4.ts";
import { resetConnection } from "./tls/refuse-connection.ts";

/** What {@link relay} may be told. */
export interface RelayOptions {
  /** Ends the relay when no byte moved in either direction for so long. */
  readonly idleMs: number;
  /** Called when that ended it. */
  readonly onIdle?: () => void;
  /** How `b` is read when it has no `data` events. */
  readonly readB?: (take: TakeBytes, isDrained: () => boolean) => void;
}

/**
 * Moves bytes both ways until both sides have ended; resolves then, never rejects. A side that ends its half is ended at the
 * other (half-close), a side that fails resets the other, and a slow writer pauses its reader. Both must allow half-open.
 */
export function relay(a: Socket, b: Socket, options: RelayOptions): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const idleTimer = setTimeout(() => {
    options.onIdle?.();
    cut();
  }, options.idleMs);
  const touch = () => void idleTimer.refresh();
  let open = 2;

  function cut(): void {
    a.destroy();
    b.destroy();
  }

  function onClose(): void {
    open -= 1;
    if (open > 0) return;
    clearTimeout(idleTimer);
    resolve();
  }

  pump(a, b, { touch });
  pump(b, a, { touch, read: options.readB });
  for (const [from, to] of [[a, b], [b, a]] as const) {
    if (from.closed) {
      resetConnection(to);
      onClose();
      continue;
    }
    from.on("close", () => {
      // Closed without an end: the peer was reset, so the other side must not see a clean end.
      if (!from.readableEnded) resetConnection(to);
      onClose();
    });
    from.on("error", () => from.destroy());
    if (from.destroyed) resetConnection(to);
  }
  return promise;
}

function pump(
  from: Socket,
  to: Socket,
  { touch, read }: { readonly touch: () => void; readonly read?: RelayOptions["readB"] },
): void {
  function take(chunk: Buffer, isWritten?: () => void): boolean {
    touch();
    if (to.writable) return isWritten === undefined ? to.write(chunk) : to.write(chunk, isWritten);
    isWritten?.();
    return true;
  }
  if (read !== undefined) read(take, () => to.writableLength === 0);
  else {
    from.on("data", (chunk: Buffer) => {
      if (!take(chunk)) from.pause();
    });
  }
  to.on("drain", () => {
    touch();
    from.resume();
  });
  from.on("end", () => to.end());
  // Deno reads on while a socket is paused, so the end may have come before the relay began.
  if (from.readableEnded) to.end();
  from.resume();
}
