import { Resolver } from "node:dns/promises";
import { connect, type TLSSocket } from "node:tls";
import { z } from "zod";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { waitFor } from "#shared/lifecycle/wait.ts";
import { type ProbeRoute, type ProbeTarget, type ProxyPorts, publicPort } from "./context.ts";

/** What proving a path needs. */
export interface ProbeOptions {
  readonly proxy: ProxyPorts;
  /** Where names at or below `domain` must resolve; other names are published elsewhere. */
  readonly dns?: {
    /** `host:port` of a name server of the platform. */
    readonly server: string;
    readonly domain: string;
  };
  /** PEM of the platform's root certificate; L7 routes are verified against it. */
  readonly ca: () => Promise<string>;
}

/** Path by which mc-proxy says which instance it would pick. */
const routePath = "/.well-known/mc-proxy/route";
/** The answer has some hundred bytes, but the address is what a node says it is. */
const maxAnswerLength = 16_384;
const RouteAnswer = z.object({ instance: z.string() });

/**
 * A probe of the real path: a name of the platform must resolve to the node, the TLS handshake must succeed through the proxy (verified for L7;
 * for L4 the service brings its own certificate, and one of a public CA or the operator's is checked by the proxy before it is used), and on L7 the proxy must reach one of the expected instances.
 * Tries again until its signal aborts, then rejects with the last reason.
 */
export function createProbeRoute(options: ProbeOptions): ProbeRoute {
  return async (routed, signal) => {
    // Any label stands for all that a wildcard serves, but one that nobody routes by itself.
    const target = { ...routed, hostname: routed.hostname.replace(/^\*\./, "mcp-probe.") };
    for (;;) {
      try {
        return await probeOnce(target, options, signal);
      } catch (error) {
        await waitFor(50, signal);
        if (signal.aborted) throw error;
      }
    }
  };
}

async function probeOnce(target: ProbeTarget, options: ProbeOptions, signal: AbortSignal): Promise<void> {
  const { dns } = options;
  if (dns !== undefined && `.${target.hostname}`.endsWith(`.${dns.domain}`)) await assertResolves(target, dns.server);
  const socket = await handshake(target, options);
  const cut = () => void socket.destroy(new Error("the answer did not come in time"));
  signal.addEventListener("abort", cut, { once: true });
  if (signal.aborted) cut();
  try {
    if (target.mode === "l7") await assertInstance(socket, target);
  } finally {
    signal.removeEventListener("abort", cut);
    socket.destroy();
  }
}

async function assertResolves(target: ProbeTarget, server: string): Promise<void> {
  const resolver = new Resolver({ timeout: 1_000, tries: 1 });
  resolver.setServers([server]);
  const family = target.nodeAddress.includes(":") ? "resolve6" : "resolve4";
  const addresses = await resolver[family](target.hostname).catch((cause: unknown) => {
    throw new PlatformError("upstream-failed", `Cannot prove "${target.hostname}": DNS does not know the name yet`, {
      cause,
    });
  });
  if (!addresses.includes(target.nodeAddress)) {
    throw new PlatformError(
      "upstream-failed",
      `Cannot prove "${target.hostname}": DNS says ${addresses.join(", ")}, expected ${target.nodeAddress}`,
    );
  }
}

async function handshake(target: ProbeTarget, options: ProbeOptions): Promise<TLSSocket> {
  const ca = await options.ca();
  return await new Promise((resolve, reject) => {
    const socket = connect({
      host: target.nodeAddress,
      port: publicPort(options.proxy, target.port),
      servername: target.hostname,
      ca,
      rejectUnauthorized: target.mode === "l7" && target.hasForeignCertificate !== true,
      timeout: 5_000,
    });
    const fail = (cause?: unknown) => {
      socket.destroy();
      reject(
        new PlatformError(
          "upstream-failed",
          `Cannot prove "${target.hostname}:${target.port}": the TLS handshake failed`,
          { cause },
        ),
      );
    };
    socket.once("secureConnect", () => resolve(socket));
    socket.on("error", fail);
    socket.once("timeout", fail);
    socket.once("close", fail);
  });
}

async function assertInstance(socket: TLSSocket, target: ProbeTarget): Promise<void> {
  socket.write(`GET ${routePath} HTTP/1.1\r\nHost: ${target.hostname}\r\nConnection: close\r\n\r\n`);
  let text = "";
  for await (const chunk of socket) {
    text += String(chunk);
    if (text.length > maxAnswerLength) {
      throw new PlatformError("upstream-failed", `Cannot prove "${target.hostname}": the answer is too long`);
    }
  }
  const [head = "", body = ""] = text.split("\r\n\r\n");
  if (!head.startsWith("HTTP/1.1 200")) {
    throw new PlatformError(
      "upstream-failed",
      `Cannot prove "${target.hostname}": the proxy answered ${head.split("\r\n")[0]}`,
    );
  }
  const { instance } = RouteAnswer.parse(JSON.parse(body.slice(body.indexOf("{"), body.lastIndexOf("}") + 1)));
  if (!target.instances.includes(instance)) {
    throw new PlatformError(
      "upstream-failed",
      `Cannot prove "${target.hostname}": instance ${instance} answers, expected a new one`,
    );
  }
}
