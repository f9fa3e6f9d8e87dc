import { createSocket } from "node:dgram";
import { isIP } from "node:net";
import process from "node:process";
import { once } from "node:events";
import type { EndpointAddress } from "../forward/endpoint-address.ts";
import type { DnsMetrics } from "./metrics.ts";
import type { Reply, Responder } from "./responder.ts";

/** A server at one address. */
export interface DnsListener extends AsyncDisposable {
  /** Where it listens; the port is the real one when 0 was asked for. */
  readonly endpoint: EndpointAddress;
}

/** What both servers need. */
export interface ListenerOptions {
  readonly endpoint: EndpointAddress;
  readonly responder: Responder;
  readonly metrics: DnsMetrics;
}

/** Replies not yet taken by the kernel above which new ones are dropped: clients ask again, memory does not come back. */
const maxSendQueue = 1_000;

// On Node this is the kernel's buffer, and 4 MiB take a burst of thousands of queries. On Deno it is allocated anew for each datagram.
const isNode = process.versions["deno"] === undefined;
const recvBufferSize = isNode ? 4 << 20 : 4096;

/** Serves DNS over UDP at one address; the wildcard address is refused by the caller, as replies would leave from another one. */
export async function startUdpServer({ endpoint, responder, metrics }: ListenerOptions): Promise<DnsListener> {
  const family = isIP(endpoint.address) === 6 ? 6 : 4;
  const socket = createSocket({
    type: family === 6 ? "udp6" : "udp4",
    recvBufferSize,
    // The address is numeric: without this, each reply would pay a name look-up.
    lookup: (host, _options, done) => done(null, host, family),
  });
  // Without a look-up, binding is done before bind() returns.
  const listening = once(socket, "listening");
  socket.bind(endpoint.port, endpoint.address);
  await listening;
  const own = socket.address();
  let isOpen = true;
  let sending = 0;
  // A client that has gone is no reason to do anything.
  const sent = () => void sending--;
  // Errors of one client, such as an unreachable port, must not end the service of the others.
  socket.on("error", () => metrics.countDrop("udp", "socket-error"));
  socket.on("message", (bytes, { address, port }) => {
    // Port 0 cannot be answered, and a message from ourselves would be the start of a loop.
    if (port === 0 || (port === own.port && address === own.address)) return metrics.countDrop("udp", "source");
    const send = (reply: Reply) => {
      if (reply === undefined || !isOpen) return;
      // Counted here, since Deno's sockets do not tell their send queue.
      if (sending >= maxSendQueue) return metrics.countDrop("udp", "send-queue");
      sending++;
      socket.send(reply, port, address, sent);
    };
    const reply = responder.respond(bytes, { address, transport: "udp" });
    if (reply instanceof Promise) void reply.then(send);
    else send(reply);
  });
  return {
    endpoint: { address: endpoint.address, port: own.port },
    async [Symbol.asyncDispose]() {
      isOpen = false;
      const closed = once(socket, "close");
      socket.close();
      await closed;
    },
  };
}
