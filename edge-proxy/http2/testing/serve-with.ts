import type { ClientStream, ClientStreamEvents, ServeStream } from "../../l7/streams.ts";

/** A `ServeStream` that runs `use`, with events that do nothing unless given. */
export function serveWith(use: (client: ClientStream) => Partial<ClientStreamEvents> | void): ServeStream {
  return (client) => ({
    onRequestData() {},
    onRequestEnd() {},
    onResponseDrain() {},
    onRequestFault() {},
    onClientClosed() {},
    ...use(client),
  });
}
