import type { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import type { Route } from "#shared/contract/route.ts";
import type { ConnectionCaps } from "./connection-caps.ts";
import type { ProxyLimits } from "./limits.ts";
import type { ProxyMetrics, RefusalReason } from "./metrics.ts";
import { type ProxyAddress, type ProxyHeader } from "./proxy-protocol/proxy-header.ts";
import { readProxyHeader } from "./proxy-protocol/read-proxy-header.ts";
import type { RouteTable } from "./routes.ts";
import { alerts, type ClientHello } from "./tls/client-hello.ts";
import { peekClientHello } from "./tls/peek-client-hello.ts";
import { refuseConnection, resetConnection } from "./tls/refuse-connection.ts";

/** A connection that has said where it wants to go. */
export interface RoutedConnection {
  readonly client: Socket;
  readonly route: Route;
  readonly hello: ClientHello;
  /** Name that the client asked for, or that it is given when it asked for none. */
  readonly hostname: string;
  /** Every byte that was read. */
  readonly bytes: Buffer;
  /** Verified address of the client: what a trusted PROXY header says, else the peer's. */
  readonly source: ProxyAddress;
  /** What the client connected to. */
  readonly destination: ProxyAddress;
  /** To be called once the TLS handshake is done, if the proxy does it. */
  readonly settled: () => void;
}

/** How connections are received. */
export interface ReceptionOptions {
  /** Listeners whose connections begin with a header of the PROXY protocol (P1). */
  readonly requiresProxyHeader: (listenerPort: number) => boolean;
  /** Whether a peer may send one. */
  readonly isTrustedProxy: (address: string) => boolean;
  /** Whether a connection that asks for no or an unknown name gets a TLS alert, or a reset (X3). */
  readonly refuseWith: "alert" | "reset";
  /** Name of those who ask for none; they are refused without it (X3). */
  readonly defaultHostname?: string;
}

/** What {@link createConnectionRouter} needs. */
export interface ConnectionRouterDependencies extends ReceptionOptions {
  /** The routes. */
  readonly table: Pick<RouteTable, "find">;
  /** Limits of the peek. */
  readonly limits: Pick<ProxyLimits, "firstByteMs" | "clientHelloMs">;
  /** Refuses connections by who the client is, before anything is answered or counted; says why. */
  readonly judge: (address: string) => { readonly by: string; readonly rule: string } | undefined;
  /** Bounds what is open. */
  readonly caps: ConnectionCaps;
  /** Counts refusals. */
  readonly metrics: ProxyMetrics;
  /** Takes over a connection to an L4 route; resolves when it has ended. */
  readonly serveL4: (connection: RoutedConnection) => Promise<void>;
  /** Takes over a connection to an L7 route, its bytes put back; `false` when the name has no certificate. */
  readonly serveL7: (connection: RoutedConnection) => boolean;
}

/** Decides for each accepted connection where it goes. */
export interface ConnectionRouter {
  /** Takes over a connection accepted on `listenerPort`. */
  accept(client: Socket, listenerPort: number): Promise<void>;
  /** Cuts all connections that have not said yet where they want to go, or whose TLS handshake is not done. */
  cutUnrouted(): void;
}

/**
 * A router that reads the PROXY header where one is required, asks the firewall, reads the ClientHello and hands the connection to the
 * L4 relay or to TLS termination, or refuses it.
 */
export function createConnectionRouter(dependencies: ConnectionRouterDependencies): ConnectionRouter {
  const { metrics, limits, caps } = dependencies;
  const unsettled = new Set<Socket>();

  async function accept(client: Socket, listenerPort: number): Promise<void> {
    // Whoever takes the connection over listens for errors too; this one keeps an early reset from ending the process.
    client.on("error", () => client.destroy());
    const ends = dependencies.requiresProxyHeader(listenerPort)
      ? await readEnds(client, dependencies)
      : endsOf(client, undefined);
    if (ends === undefined) return resetAndCount(client, "proxy-header");
    const block = dependencies.judge(ends.source.address);
    if (block !== undefined) {
      metrics.blocked(block.by, block.rule);
      return resetAndCount(client, "blocked");
    }
    const place = caps.enter(ends.source.address);
    if (typeof place === "string") {
      metrics.limited(place);
      return resetAndCount(client, "limited");
    }
    unsettled.add(client);
    const settled = () => {
      unsettled.delete(client);
      place.settle();
    };
    client.once("close", () => {
      unsettled.delete(client);
      place.leave();
    });
    await route({ client, listenerPort, ...ends, settled });
  }

  async function route(arrival: Arrival): Promise<void> {
    const { client, listenerPort, settled } = arrival;
    const peeked = await peekClientHello(client, limits);
    if (peeked.kind === "refused") {
      if (peeked.reason === "timeout") metrics.limited("first_byte");
      return refuse(client, peeked.reason, peeked.alert);
    }
    const { hello, bytes } = peeked;
    const target = resolveRoute({ ...dependencies, listenerPort }, hello);
    if ("reason" in target) return refuse(client, target.reason, target.alert);
    const connection = { ...arrival, ...target, hello, bytes };
    if (target.route.mode === "l4") {
      settled();
      return await dependencies.serveL4(connection);
    }
    client.unshift(bytes);
    if (!dependencies.serveL7(connection)) refuse(client, "no-certificate", alerts.unrecognizedName);
  }

  function refuse(client: Socket, reason: RefusalReason, alert: number | undefined): void {
    metrics.refused(reason);
    const isRoutingRefusal = reason === "unknown-sni" || reason === "no-sni" || reason === "no-certificate";
    refuseConnection(client, isRoutingRefusal && dependencies.refuseWith === "reset" ? undefined : alert);
  }

  function resetAndCount(client: Socket, reason: RefusalReason): void {
    metrics.refused(reason);
    resetConnection(client);
  }

  return {
    accept,
    cutUnrouted() {
      for (const client of unsettled) client.destroy();
    },
  };
}

interface Ends {
  readonly source: ProxyAddress;
  readonly destination: ProxyAddress;
}

interface Arrival extends Ends {
  readonly client: Socket;
  readonly listenerPort: number;
  readonly settled: () => void;
}

type Target =
  | { readonly route: Route; readonly hostname: string }
  | { readonly reason: RefusalReason; readonly alert: number };

async function readEnds(
  client: Socket,
  { limits, isTrustedProxy }: Pick<ConnectionRouterDependencies, "limits" | "isTrustedProxy">,
): Promise<Ends | undefined> {
  const header = await readProxyHeader(client, { timeoutMs: limits.firstByteMs, isTrusted: isTrustedProxy });
  return header.kind === "header" ? endsOf(client, header) : undefined;
}

function endsOf(client: Socket, header: ProxyHeader | undefined): Ends {
  const { remoteAddress = "0.0.0.0", remotePort = 0, localAddress = "0.0.0.0", localPort = 0 } = client;
  return {
    source: header?.source ?? { address: withoutMapping(remoteAddress), port: remotePort },
    destination: header?.destination ?? { address: withoutMapping(localAddress), port: localPort },
  };
}

/** A listener on `::` sees IPv4 clients as mapped addresses (RFC 4291 §2.5.5.2). */
function withoutMapping(address: string): string {
  return address.startsWith("::ffff:") ? address.slice(7) : address;
}

function resolveRoute(
  { table, listenerPort, defaultHostname }: Pick<ConnectionRouterDependencies, "table" | "defaultHostname"> & {
    readonly listenerPort: number;
  },
  hello: ClientHello,
): Target {
  if (!hello.offersTls13) return { reason: "tls-version", alert: alerts.protocolVersion };
  const hostname = hello.serverName ?? defaultHostname;
  if (hostname === undefined) return { reason: "no-sni", alert: alerts.missingExtension };
  const route = table.find(listenerPort, hostname);
  return route === undefined ? { reason: "unknown-sni", alert: alerts.unrecognizedName } : { route, hostname };
}
