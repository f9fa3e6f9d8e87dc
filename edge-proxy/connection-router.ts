import type { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import type { Route } from "#shared/contract/route.ts";
import { acmeTlsProtocol } from "./acme/challenge-responder.ts";
import type { ConnectionEnds, createAdmission } from "./admit-connection.ts";
import type { ProxyLimits } from "./limits.ts";
import type { ProxyMetrics, RefusalReason } from "./metrics.ts";
import type { RouteTable } from "./routes.ts";
import { alerts, type ClientHello } from "./tls/client-hello.ts";
import { peekClientHello } from "./tls/peek-client-hello.ts";
import { refuseConnection, resetConnection } from "./tls/refuse-connection.ts";

/** A connection that has said where it wants to go. */
export interface RoutedConnection extends ConnectionEnds {
  readonly client: Socket;
  readonly route: Route;
  readonly hello: ClientHello;
  /** Name that the client asked for, or that it is given when it asked for none. */
  readonly hostname: string;
  /** Every byte that was read. */
  readonly bytes: Buffer;
  /** To be called once the TLS handshake is done, if the proxy does it. */
  readonly settled: () => void;
}

/** What {@link createConnectionRouter} needs. */
export interface ConnectionRouterDependencies {
  /** Lets a connection in, or resets it and gives `undefined`. */
  readonly admit: ReturnType<typeof createAdmission>;
  /** Connections that have not found their route, or whose TLS handshake is not done, and since when. */
  readonly unsettled: Map<Socket, number>;
  /** The routes. */
  readonly table: Pick<RouteTable, "find">;
  /** Limits of the peek. */
  readonly limits: Pick<ProxyLimits, "firstByteMs" | "clientHelloMs">;
  /** Whether a connection that asks for no or an unknown name gets a TLS alert, or a reset (X3). */
  readonly refuseWith: "alert" | "reset";
  /** Name of those who ask for none; they are refused without it (X3). */
  readonly defaultHostname?: string;
  /** Counts refusals. */
  readonly metrics: ProxyMetrics;
  /** Takes over a connection to an L4 route; resolves when it has ended. */
  readonly serveL4: (connection: RoutedConnection) => Promise<void>;
  /** Takes over a connection of a CA that looks whether an L7 name is ours (RFC 8737), its bytes put back. */
  readonly answerChallenge: (hostname: string, client: Socket) => boolean;
  /** Takes over a connection to an L7 route, its bytes put back; `false` when the name has no certificate. */
  readonly serveL7: (connection: RoutedConnection) => boolean;
}

/** Decides for each accepted connection where it goes. */
export interface ConnectionRouter {
  /** Takes over a connection accepted on `listenerPort`. */
  accept(client: Socket, listenerPort: number): Promise<void>;
  /** Cuts connections that have not said yet where they want to go, or whose TLS handshake is not done, if they are older than this. */
  cutUnrouted(ageMs: number): void;
}

/**
 * A router that reads the ClientHello of connections that may stay and hands them to the L4 relay or to TLS termination, or refuses
 * them.
 */
export function createConnectionRouter(dependencies: ConnectionRouterDependencies): ConnectionRouter {
  const { metrics, limits, unsettled } = dependencies;

  async function accept(client: Socket, listenerPort: number): Promise<void> {
    // Whoever takes the connection over listens for errors too; this one keeps an early reset from ending the process.
    client.on("error", () => client.destroy());
    const admitted = dependencies.admit(client, listenerPort);
    const ends = admitted instanceof Promise ? await admitted : admitted;
    if (ends === undefined) return;
    unsettled.set(client, performance.now());
    const settled = () => void unsettled.delete(client);
    client.once("close", settled);
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
    if (isChallenge(hello)) {
      if (!dependencies.answerChallenge(target.hostname, client)) resetConnection(client);
      return;
    }
    if (!dependencies.serveL7(connection)) refuse(client, "no-certificate", alerts.unrecognizedName);
  }

  function refuse(client: Socket, reason: RefusalReason, alert: number | undefined): void {
    metrics.refused(reason);
    const isRoutingRefusal = reason === "unknown-sni" || reason === "no-sni" || reason === "no-certificate";
    refuseConnection(client, isRoutingRefusal && dependencies.refuseWith === "reset" ? undefined : alert);
  }

  return {
    accept,
    cutUnrouted(ageMs) {
      const latestMs = performance.now() - ageMs;
      for (const [client, sinceMs] of unsettled) if (sinceMs <= latestMs) client.destroy();
    },
  };
}

interface Arrival extends ConnectionEnds {
  readonly client: Socket;
  readonly listenerPort: number;
  readonly settled: () => void;
}

/** A CA offers this protocol alone (RFC 8737 §4), and nobody else does. */
function isChallenge({ alpn }: ClientHello): boolean {
  return alpn.length === 1 && alpn[0] === acmeTlsProtocol;
}

type Target =
  | { readonly route: Route; readonly hostname: string }
  | { readonly reason: RefusalReason; readonly alert: number };

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
