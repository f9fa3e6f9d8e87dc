import type { Duplex } from "node:stream";

/** How long a peer may take to close after us. */
const lingerMs = 1000;

/**
 * Ends a connection with `bytes`, if any, and drops what the peer still sends for up to a second: destroying at once would reset
 * the connection, and a reset can overtake the last bytes (RFC 9112 §9.6).
 */
export function endGently(socket: Duplex, bytes?: Uint8Array): void {
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  socket.on("error", () => socket.destroy());
  socket.on("end", () => socket.destroy());
  socket.on("close", () => clearTimeout(timer));
  if (socket.readableEnded) socket.once("finish", () => socket.destroy());
  socket.resume();
  if (bytes === undefined) socket.end();
  else socket.end(bytes);
}
