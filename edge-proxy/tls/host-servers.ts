import { constants, createHash, randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import type { HandshakeFault } from "../metrics.ts";
import { toHandshakeFault } from "./handshake-fault.ts";
import { createTicketKeys, type TicketKeys } from "./ticket-keys.ts";

/** What a TLS server shows for one host name: PEM chain, leaf first, and PEM key. */
export interface TlsMaterial {
  /** Leaf certificate and intermediates, PEM. */
  readonly chainPem: string;
  /** Private key of the leaf, PKCS #8 PEM. */
  readonly keyPem: string;
}

/** What {@link createHostServers} needs. */
export interface HostServersOptions {
  /** Limit of the handshake (LIM2). */
  readonly handshakeMs: number;
  /** Keys of session tickets; unless given, such that nobody else has and that end with the process. */
  readonly ticketKeys?: TicketKeys;
  /** Protocols to choose from, the best one first; `http/1.1` alone unless given. */
  readonly alpn?: readonly string[];
  /** Most names that are kept ready, 54 KB each; 1,000 unless given. */
  readonly maxReady?: number;
  /** Takes over a connection whose handshake is done: the name that the client asked for, and the protocol it may speak. */
  readonly onSecure: (socket: TLSSocket, serverName: string, protocol: string) => void;
  /** Called for each handshake that failed, with the name of the route. */
  readonly onFault: (hostname: string, reason: HandshakeFault, error: Error) => void;
}

/** One TLS server per host name, none of them listening: connections are handed over after their ClientHello was read. */
export interface HostServers {
  /** Uses `material` for handshakes of `hostname`, which may begin with `*.`, from now on. Connections that are open stay. */
  set(hostname: string, material: TlsMaterial): void;
  /** Refuses handshakes of `hostname` from now on. Connections that are open stay. */
  delete(hostname: string): void;
  /** Starts the handshake; `false` when there is no certificate for `hostname`. */
  accept(hostname: string, client: Socket): boolean;
  /** How many names are ready. */
  readonly ready: number;
}

interface ReadyHost {
  readonly server: Server;
  readonly epoch: number;
}

/** How long a ticket may be used, were its key not gone before that. */
const ticketSeconds = 86_400;
/** AES-128 first: its hash costs a third of SHA-384 on CPUs with SHA instructions, and it is the faster cipher for bodies. */
const ciphers = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

/**
 * Host servers without any name. The certificate is chosen before TLS starts rather than by `SNICallback`, because with the
 * latter a session ticket of one name can be resumed under another (CVE-2025-23419); ticket keys are per name for that reason. Deno has
 * one ticket key of its own for the whole process, and keeps names apart itself. Early data (0-RTT) is never offered.
 *
 * A server is made at the first handshake of its name (0.3 ms), and made anew after its certificate was replaced or its ticket key has
 * expired: a server has one key at a time, so that a rotation costs returning clients one full handshake, and nothing else. Handshakes
 * under way hold on to the server that they began with. Nothing is stapled (X9): the platform's CA runs no OCSP responder, public ones are
 * ending theirs, and certificates that live for days need none.
 */
export function createHostServers(options: HostServersOptions): HostServers {
  const { ticketKeys = createTicketKeys({ secret: randomBytes(32) }), maxReady = 1_000 } = options;
  const materials = new Map<string, TlsMaterial>();
  /** In the order of their last use. */
  const ready = new Map<string, ReadyHost>();

  function find(hostname: string): Server | undefined {
    const known = ready.get(hostname);
    ready.delete(hostname);
    const material = materials.get(hostname);
    if (material === undefined) return undefined;
    const epoch = ticketKeys.epoch();
    const host = known?.epoch === epoch
      ? known
      : { epoch, server: createHostServer(hostname, material, { ...options, ticketKeys }) };
    ready.set(hostname, host);
    if (ready.size > maxReady) ready.delete(ready.keys().next().value ?? hostname);
    return host.server;
  }

  return {
    set(hostname, material) {
      materials.set(hostname, material);
      ready.delete(hostname);
    },
    delete(hostname) {
      materials.delete(hostname);
      ready.delete(hostname);
    },
    accept(hostname, client) {
      const server = find(hostname);
      if (server === undefined) return false;
      // A client that closes its side before it is served has gone: without this it would be waited for until the handshake's limit.
      client.allowHalfOpen = false;
      return server.emit("connection", client);
    },
    get ready() {
      return ready.size;
    },
  };
}

function createHostServer(
  hostname: string,
  material: TlsMaterial,
  options: HostServersOptions & { readonly ticketKeys: TicketKeys },
): Server {
  const server = createServer({
    cert: material.chainPem,
    key: material.keyPem,
    minVersion: "TLSv1.3",
    ciphers,
    // A client that has no AES in hardware names ChaCha20 first, and gets it.
    secureOptions: constants.SSL_OP_PRIORITIZE_CHACHA,
    ALPNProtocols: [...options.alpn ?? ["http/1.1"]],
    ticketKeys: options.ticketKeys.keyOf(hostname),
    sessionTimeout: ticketSeconds,
    // Node would derive it from the command line, which workers do not share.
    sessionIdContext: createHash("sha256").update(hostname).digest("hex").slice(0, 32),
    handshakeTimeout: options.handshakeMs,
  });
  const toServerName = (socket: TLSSocket) => hostname.startsWith("*.") ? nameAskedFor(socket) ?? hostname : hostname;
  server.on("secureConnection", (socket) => {
    socket.allowHalfOpen = true;
    options.onSecure(socket, toServerName(socket), protocolOf(socket));
  });
  server.on("tlsClientError", (error, socket) => {
    socket.destroy();
    options.onFault(hostname, toHandshakeFault(error), error);
  });
  return server;
}

function nameAskedFor(socket: TLSSocket): string | undefined {
  // Types know it on clients only.
  const name = "servername" in socket ? socket.servername : undefined;
  return typeof name === "string" ? name.toLowerCase() : undefined;
}

/** A client without ALPN speaks HTTP/1.1 (RFC 9112 §9.8). */
function protocolOf(socket: TLSSocket): string {
  return typeof socket.alpnProtocol === "string" ? socket.alpnProtocol : "http/1.1";
}
