import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { PlatformError } from "#shared/errors/platform-error.ts";

/** A place that a program is going to listen at. */
export interface WantedPort {
  readonly address: string;
  readonly port: number;
  readonly protocols: readonly ("tcp" | "udp")[];
  /** The flag that chooses another. */
  readonly flag: string;
}

/**
 * Says that a port can be listened at.
 *
 * @throws {PlatformError} conflict — when it cannot; the message names the port and the flag
 */
export async function assertPortFree({ address, port, protocols, flag }: WantedPort): Promise<void> {
  for (const protocol of protocols) {
    try {
      await (protocol === "tcp" ? listenTcp(address, port) : listenUdp(address, port));
    } catch (cause) {
      throw new PlatformError(
        "conflict",
        `Cannot listen at ${protocol} port ${port} of ${address}: it is taken or not allowed, expected a free one (choose it with ${flag})`,
        { cause, details: { port, flag } },
      );
    }
  }
}

/** `preferred` when it is free, else a free port that the system chooses. */
export async function findFreePort(address: string, preferred: number): Promise<number> {
  return await listenTcp(address, preferred).catch(() => listenTcp(address, 0));
}

/** Listens for a moment; gives the port. */
async function listenTcp(host: string, port: number): Promise<number> {
  const server = createServer();
  server.listen({ host, port, exclusive: true });
  await once(server, "listening"); // rejects at "error"
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : port;
}

async function listenUdp(address: string, port: number): Promise<void> {
  const socket = createSocket({ type: address.includes(":") ? "udp6" : "udp4" });
  socket.bind({ address, port, exclusive: true });
  await once(socket, "listening"); // rejects at "error"
  socket.close();
  await once(socket, "close");
}
