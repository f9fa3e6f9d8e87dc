import { Buffer } from "node:buffer";
import type { Socket } from "node:net";

/** How long a refused peer may take to close before it is cut. */
const lingerMs = 1000;

/**
 * Ends a connection before TLS: with a fatal alert record (RFC 8446 §6) when `alert` is given, else with a TCP reset. The
 * alert is followed by a short linger, because destroying at once could reset the connection before the peer has read it.
 */
export function refuseConnection(socket: Socket, alert: number | undefined): void {
  if (alert === undefined) return resetConnection(socket);
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  socket.on("end", () => socket.destroy()).on("close", () => clearTimeout(timer));
  socket.resume();
  socket.end(Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, alert]));
}

/** Ends a connection with a TCP reset, so that the peer cannot mistake it for a clean end. */
export function resetConnection(socket: Socket): void {
  if (socket.destroyed) return;
  socket.resetAndDestroy();
}
