import type { Buffer } from "node:buffer";
import type { TLSSocket } from "node:tls";
import type { Route } from "#shared/contract/route.ts";
import type { Log } from "#shared/log/log.ts";
import type { Attachments } from "./attachments.ts";
import type { RoutedConnection } from "./connection-router.ts";
import { createBlockTest } from "./firewall/block-set.ts";
import { isHttp2Offered } from "./http2/is-http2-offered.ts";
import type { InstanceLoad } from "./instance-load.ts";
import { serveL4 } from "./l4.ts";
import type { ClientOrigin } from "./l7/streams.ts";
import type { ProxyLimits } from "./limits.ts";
import type { ProxyMetrics } from "./metrics.ts";
import { buildProxyHeader } from "./proxy-protocol/build-proxy-header.ts";
import { routeKey } from "./routes.ts";
import { createHostServers, type HostServers, type TlsMaterial } from "./tls/host-servers.ts";
import { resetConnection } from "./tls/refuse-connection.ts";
import { createTicketKeys } from "./tls/ticket-keys.ts";

/** What {@link createServing} needs. */
export interface ServingOptions {
  readonly limits: ProxyLimits;
  readonly ticketSecret: Uint8Array;
  readonly load: InstanceLoad;
  readonly attachments: Attachments;
  readonly metrics: ProxyMetrics;
  readonly log: Log;
  /** Takes over a connection whose TLS handshake is done. */
  readonly acceptSecure: (socket: TLSSocket, origin: ClientOrigin) => void;
}

/** Serves connections that have found their route. */
export interface Serving {
  /** Passes a connection through; resolves when it has ended. */
  serveL4(connection: RoutedConnection): Promise<void>;
  /** Begins the TLS handshake; `false` when the name has no certificate. */
  serveL7(connection: RoutedConnection): boolean;
  /** Uses a certificate from the next handshake on, or refuses handshakes of the name. */
  certificate(hostname: string, material: TlsMaterial | undefined): void;
}

/** A handshake under way, by both ends of its connection: what the TLS socket knows of the one it was made from. */
type Handshakes = Map<string, Pick<RoutedConnection, "hostname" | "source" | "settled">>;

/** Serving without a certificate. */
export function createServing(options: ServingOptions): Serving {
  const { metrics, attachments } = options;
  const handshakes: Handshakes = new Map();
  const isAllowed = createAllowLists();
  const hosts = createHosts(options, handshakes);

  return {
    async serveL4(connection) {
      const { client, route, bytes, source } = connection;
      if (!isAllowed(route, source.address)) {
        metrics.blocked("route", routeKey(route));
        return resetConnection(client);
      }
      const header = headerOf(connection);
      await serveL4({
        client,
        bytes,
        route,
        clientAddress: source.address,
        ...(header === undefined ? {} : { header }),
      }, options);
    },
    serveL7({ client, route, hostname, source, settled }) {
      const key = endsOf(client);
      const handshake = { hostname, source, settled };
      handshakes.set(key, handshake);
      client.once("close", () => {
        if (handshakes.get(key) === handshake) handshakes.delete(key);
      });
      if (!hosts.accept(route.hostname, client)) return false;
      const counters = metrics.route(routeKey(route));
      client.once("close", counters.connection("l7"));
      client.once(
        "close",
        attachments.add({ route, mode: "l7", clientAddress: source.address, counters, socket: client }),
      );
      return true;
    },
    certificate(hostname, material) {
      if (material === undefined) hosts.delete(hostname);
      else hosts.set(hostname, material);
    },
  };
}

/** The TLS servers, which find the handshake again by its ends. */
function createHosts(options: ServingOptions, handshakes: Handshakes): HostServers {
  const { limits, metrics, log } = options;
  return createHostServers({
    handshakeMs: limits.handshakeMs,
    alpn: isHttp2Offered() ? ["h2", "http/1.1"] : ["http/1.1"],
    ticketKeys: createTicketKeys({ secret: options.ticketSecret }),
    onSecure(socket) {
      const handshake = handshakes.get(endsOf(socket));
      if (handshake === undefined) return void socket.destroy();
      handshake.settled();
      options.acceptSecure(socket, {
        // The name that chose the route: OpenSSL takes another one in the second hello (X12).
        hostname: handshake.hostname,
        port: socket.localPort ?? 0,
        clientAddress: handshake.source.address,
      });
    },
    onFault(hostname, reason, error) {
      metrics.refused("handshake");
      metrics.handshakeFailed(hostname, reason);
      if (reason === "timeout") metrics.limited("handshakes");
      log.debug("a handshake failed", { hostname, reason, error });
    },
  });
}

function endsOf(
  { remoteAddress, remotePort, localPort }: Pick<TLSSocket, "remoteAddress" | "remotePort" | "localPort">,
): string {
  return `${remoteAddress}|${remotePort}|${localPort}`;
}

/** The header of the PROXY protocol that an L4 route asks for: who the client is, and what it connected to (P5). */
function headerOf({ route, source, destination, hostname }: RoutedConnection): Buffer | undefined {
  if (route.sendProxyProtocol === undefined) return undefined;
  return buildProxyHeader(route.sendProxyProtocol, { source, destination, authority: hostname });
}

/** Whether a route's allow-list has an address; a route without one has all. Lists are made ready once. */
function createAllowLists(): (route: Route, address: string) => boolean {
  const tests = new WeakMap<Route, (address: string) => boolean>();
  return (route, address) => {
    const blocks = route.policies?.allowAddresses;
    if (blocks === undefined) return true;
    let test = tests.get(route);
    if (test === undefined) tests.set(route, test = createBlockTest(blocks));
    return test(address);
  };
}
