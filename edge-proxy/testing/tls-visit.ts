import type { Buffer } from "node:buffer";
import { once } from "node:events";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";

/** What a visit to a host found. */
export interface TlsVisit {
  /** Serial number of the certificate that was shown. */
  readonly serialNumber: string;
  readonly protocol: string | false | null;
  readonly isResumed: boolean;
}

/** Connects, waits for the greeting, and cuts the connection. Rejects when the handshake fails. */
export async function visitTls(options: ConnectionOptions): Promise<TlsVisit> {
  const socket = await openTls(options);
  const visit = {
    serialNumber: socket.getPeerCertificate().serialNumber,
    protocol: socket.alpnProtocol,
    isResumed: socket.isSessionReused(),
  };
  socket.destroy();
  return visit;
}

/** A session ticket of a new connection. Rejects when the handshake fails. */
export async function takeTicket(options: ConnectionOptions): Promise<Buffer> {
  const socket = connect({ host: "127.0.0.1", ...options });
  // Deno tells of a ticket when the connection ends.
  socket.once("data", () => socket.end());
  const [ticket]: Buffer[] = await once(socket, "session");
  socket.on("error", () => undefined).destroy();
  if (ticket === undefined) throw new Error("a session without a ticket");
  return ticket;
}

/** A connection that has received its greeting. Rejects when the handshake fails. */
export function openTls(options: ConnectionOptions): Promise<TLSSocket> {
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>();
  const socket = connect({ host: "127.0.0.1", ...options });
  socket.on("error", reject).on("close", () => reject(new Error("closed before the greeting")));
  socket.once("data", () => resolve(socket));
  return promise;
}
