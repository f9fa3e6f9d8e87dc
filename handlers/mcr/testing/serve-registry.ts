import { type AddressInfo, type Server } from "node:net";
import { serve } from "@hono/node-server";
import type { Mcr } from "../app.ts";

/** A registry on a loopback port. */
export interface ServedRegistry extends AsyncDisposable {
  /** `127.0.0.1:<port>`. */
  readonly address: string;
  readonly url: string;
}

/** Serves a registry as the platform does, on a free port. */
export async function serveRegistry(mcr: Mcr): Promise<ServedRegistry> {
  const started = Promise.withResolvers<AddressInfo>();
  const server = serve(
    { fetch: mcr.app.fetch, hostname: "127.0.0.1", port: 0, serverOptions: { requestTimeout: 0 } },
    started.resolve,
  );
  const { port } = await started.promise;
  const address = `127.0.0.1:${port}`;
  return { address, url: `http://${address}`, [Symbol.asyncDispose]: () => close(server) };
}

function close(server: Pick<Server, "close"> & { closeAllConnections?: () => void }): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections?.();
  });
}
