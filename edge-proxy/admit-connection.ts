import type { Socket } from "node:net";
import type { GuardVerdict } from "./firewall/connection-guard.ts";
import type { ConnectionRefusal } from "./firewall/connection-limiter.ts";
import type { ProxyLimits } from "./limits.ts";
import type { LimitName, ProxyMetrics, RefusalReason } from "./metrics.ts";
import type { ProxyAddress, ProxyHeader } from "./proxy-protocol/proxy-header.ts";
import { readProxyHeader } from "./proxy-protocol/read-proxy-header.ts";
import { resetConnection } from "./tls/refuse-connection.ts";

/** The two ends of a client's connection, as far as they are believed. */
export interface ConnectionEnds {
  /** The client: what a trusted PROXY header says, else the peer. */
  readonly source: ProxyAddress;
  /** What the client connected to. */
  readonly destination: ProxyAddress;
}

/** What {@link createAdmission} needs. */
export interface AdmissionOptions {
  /** Listeners whose connections begin with a header of the PROXY protocol (P1). */
  readonly requiresProxyHeader: (listenerPort: number) => boolean;
  /** Whether a peer may send one. */
  readonly isTrustedProxy: (address: string) => boolean;
  /** Judges connections by their client, before anything is answered. */
  readonly guard: { admit(address: string): GuardVerdict };
  /** Counts a connection. */
  readonly accepted: () => void;
  /** Whether connections under way are as many as may be. */
  readonly isCrowded: () => boolean;
  readonly limits: Pick<ProxyLimits, "firstByteMs">;
  readonly metrics: ProxyMetrics;
}

const limitNames: Readonly<Record<ConnectionRefusal, LimitName>> = {
  "connection-rate": "new_connections",
  "address-connections": "connections_per_address",
  "total-connections": "connections",
};

/**
 * Lets connections in or resets them before they get a byte: reads the PROXY header where one is required, then asks the firewall, then
 * the limits. Gives the ends of a connection that may stay, with its place given back when it closes.
 */
export function createAdmission(
  options: AdmissionOptions,
): (client: Socket, listenerPort: number) => ConnectionEnds | undefined | Promise<ConnectionEnds | undefined> {
  const { metrics, guard } = options;

  function reset(client: Socket, reason: RefusalReason): undefined {
    metrics.refused(reason);
    resetConnection(client);
  }

  function judge(client: Socket, ends: ConnectionEnds): ConnectionEnds | undefined {
    const verdict = guard.admit(ends.source.address);
    if (verdict.kind === "admitted") {
      client.once("close", verdict.release);
      if (!options.isCrowded()) return ends;
      metrics.limited("handshakes");
      return reset(client, "limited");
    }
    if (verdict.kind === "blocked") {
      metrics.blocked(verdict.reason.kind, verdict.reason.rule);
      return reset(client, "blocked");
    }
    metrics.limited(limitNames[verdict.reason]);
    return reset(client, "limited");
  }

  async function readHeader(client: Socket): Promise<ConnectionEnds | undefined> {
    const header = await readProxyHeader(client, {
      timeoutMs: options.limits.firstByteMs,
      isTrusted: options.isTrustedProxy,
    });
    return header.kind === "header" ? judge(client, endsOf(client, header)) : reset(client, "proxy-header");
  }

  return (client, listenerPort) => {
    options.accepted();
    return options.requiresProxyHeader(listenerPort) ? readHeader(client) : judge(client, endsOf(client, undefined));
  };
}

function endsOf(client: Socket, header: ProxyHeader | undefined): ConnectionEnds {
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
