import type { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import type { Route } from "#shared/contract/route.ts";
import type { ProxyLimits } from "./limits.ts";
import type { ProxyMetrics, RefusalReason } from "./metrics.ts";
import type { RouteTable } from "./routes.ts";
import { alerts, type ClientHello } from "./tls/client-hello.ts";
import { peekClientHello } from "./tls/peek-client-hello.ts";
import { refuseConnection } from "./tls/refuse-connection.ts";

/** What {@link createConnectionRouter} needs. */
export interface ConnectionRouterDependencies {
  /** The routes at this moment. */
  readonly table: () => RouteTable;
  /** Limits of the peek. */
  readonly limits: Pick<ProxyLimits, "firstByteMs" | "clientHelloMs">;
  /** Counts refusals. */
  readonly metrics: ProxyMetrics;
  /** Takes over a connection to an L4 route; resolves when it has ended. */
  readonly serveL4: (connection: { client: Socket; bytes: Buffer; route: Route }) => Promise<void>;
  /** Takes over a connection to an L7 route, its bytes put back; `false` when the name has no certificate. */
  readonly serveL7: (client: Socket, route: Route) => boolean;
}

/** Decides for each accepted connection where it goes. */
export interface ConnectionRouter {
  /** Takes over a connection accepted on `listenerPort`. */
  accept(client: Socket, listenerPort: number): Promise<void>;
  /** Cuts all connections that have not said yet where they want to go. */
  cutUnrouted(): void;
}

/** A router that reads the ClientHello and hands the connection to the L4 relay or to TLS termination, or refuses it. */
export function createConnectionRouter(dependencies: ConnectionRouterDependencies): ConnectionRouter {
  const { metrics, limits } = dependencies;
  const unrouted = new Set<Socket>();

  async function accept(client: Socket, listenerPort: number): Promise<void> {
    // Whoever takes the connection over listens for errors too; this one keeps an early reset from ending the process.
    client.on("error", () => client.destroy());
    unrouted.add(client);
    const peeked = await peekClientHello(client, limits);
    unrouted.delete(client);
    if (peeked.kind === "refused") return refuse(client, peeked.reason, peeked.alert);
    const target = resolveRoute(dependencies.table(), listenerPort, peeked.hello);
    if (target.kind === "refused") return refuse(client, target.reason, target.alert);
    if (target.route.mode === "l4") {
      return await dependencies.serveL4({ client, bytes: peeked.bytes, route: target.route });
    }
    client.unshift(peeked.bytes);
    if (!dependencies.serveL7(client, target.route)) refuse(client, "no-certificate", alerts.unrecognizedName);
  }

  function refuse(client: Socket, reason: RefusalReason, alert: number | undefined): void {
    metrics.refused(reason);
    refuseConnection(client, alert);
  }

  return {
    accept,
    cutUnrouted() {
      for (const client of unrouted) client.destroy();
    },
  };
}

type Target =
  | { readonly kind: "route"; readonly route: Route }
  | { readonly kind: "refused"; readonly reason: RefusalReason; readonly alert: number };

function resolveRoute(table: RouteTable, listenerPort: number, hello: ClientHello): Target {
  if (!hello.offersTls13) return { kind: "refused", reason: "tls-version", alert: alerts.protocolVersion };
  if (hello.serverName === undefined) return { kind: "refused", reason: "no-sni", alert: alerts.missingExtension };
  const route = table.find(listenerPort, hello.serverName);
  if (route === undefined) return { kind: "refused", reason: "unknown-sni", alert: alerts.unrecognizedName };
  return { kind: "route", route };
}
