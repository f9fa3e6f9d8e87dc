import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { endGently } from "../end-gently.ts";

/** Ends a connection before TLS: with a fatal alert record (RFC 8446 §6) when `alert` is given, else with a TCP reset. */
export function refuseConnection(socket: Socket, alert: number | undefined): void {
  if (alert === undefined) resetConnection(socket);
  else endGently(socket, Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, alert]));
}

/** Ends a connection with a TCP reset, so that the peer cannot mistake it for a clean end. */
export function resetConnection(socket: Socket): void {
  if (!socket.destroyed) socket.resetAndDestroy();
}
