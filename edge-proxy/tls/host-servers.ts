import type { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";

/** What a TLS server shows for one host name: PEM chain, leaf first, and PEM key. */
export interface TlsMaterial {
  /** Leaf certificate and intermediates, PEM. */
  readonly chainPem: string;
  /** Private key of the leaf, PKCS #8 PEM. */
  readonly keyPem: string;
}

/** What {@link createHostServers} needs. */
export interface HostServersOptions {
  /** Limit of the handshake. */
  readonly handshakeMs: number;
  /** Takes over a connection whose handshake is done. */
  readonly onSecure: (socket: TLSSocket, hostname: string) => void;
  /** Called for each handshake that failed. */
  readonly onFault: (hostname: string, error: Error) => void;
}

/** One TLS server per host name, none of them listening: connections are handed over after their ClientHello was read. */
export interface HostServers {
  /** Uses `material` for handshakes of `hostname` from now on. Connections that are open stay. */
  set(hostname: string, material: TlsMaterial): void;
  /** Refuses handshakes of `hostname` from now on. */
  delete(hostname: string): void;
  /** Starts the handshake; `false` when there is no certificate for `hostname`. */
  accept(hostname: string, client: Socket): boolean;
}

/**
 * Host servers without any name. The certificate is chosen before TLS starts rather than by `SNICallback`, because with the
 * latter a session ticket of one name can be resumed under another (CVE-2025-23419); ticket keys are per name for that reason.
 */
export function createHostServers(options: HostServersOptions): HostServers {
  const servers = new Map<string, { readonly server: Server; readonly ticketKeys: Buffer }>();

  function create(hostname: string, material: TlsMaterial): void {
    const ticketKeys = randomBytes(48);
    const server = createServer({
      ...toContext(material, ticketKeys),
      ALPNProtocols: ["http/1.1"],
      handshakeTimeout: options.handshakeMs,
    });
    server.on("secureConnection", (socket) => options.onSecure(socket, hostname));
    server.on("tlsClientError", (error, socket) => {
      socket.destroy();
      options.onFault(hostname, error);
    });
    servers.set(hostname, { server, ticketKeys });
  }

  return {
    set(hostname, material) {
      const known = servers.get(hostname);
      if (known === undefined) create(hostname, material);
      else known.server.setSecureContext(toContext(material, known.ticketKeys));
    },
    delete: (hostname) => void servers.delete(hostname),
    accept: (hostname, client) => servers.get(hostname)?.server.emit("connection", client) ?? false,
  };
}

function toContext(material: TlsMaterial, ticketKeys: Buffer): {
  cert: string;
  key: string;
  minVersion: "TLSv1.3";
  ticketKeys: Buffer;
} {
  return {
    cert: material.chainPem,
    key: material.keyPem,
    minVersion: "TLSv1.3",
    ticketKeys,
  };
}
