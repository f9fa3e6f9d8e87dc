import { Counter, Gauge, Registry } from "prom-client";

/** Why a connection was refused before it reached a backend. */
export type RefusalReason =
  | "not-tls"
  | "malformed"
  | "too-large"
  | "timeout"
  | "closed"
  | "no-sni"
  | "unknown-sni"
  | "tls-version"
  | "no-certificate"
  | "handshake"
  | "no-backend";

/** Counts what the proxy does. Labels are route keys and closed sets, never what a client sent. */
export interface ProxyMetrics {
  /** Counts a connection to `route` until the returned function is called. */
  connection(route: string, mode: "l4" | "l7"): () => void;
  /** Counts a refused connection. */
  refused(reason: RefusalReason): void;
  /** Counts an answered request. */
  request(route: string, status: number): void;
  /** Notes when the certificate of `hostname` expires; `undefined` forgets it. */
  certificate(hostname: string, expiresAt: Date | undefined): void;
  /** Everything in the Prometheus text format. */
  render(): Promise<string>;
}

/** Metrics of one proxy, all zero. */
export function createMetrics(): ProxyMetrics {
  const registers = [new Registry()];
  const opened = new Counter({
    name: "mc_proxy_connections_total",
    help: "Connections accepted for a route",
    labelNames: ["route", "mode"],
    registers,
  });
  const open = new Gauge({
    name: "mc_proxy_connections_open",
    help: "Connections open now",
    labelNames: ["route", "mode"],
    registers,
  });
  const refused = new Counter({
    name: "mc_proxy_refused_total",
    help: "Connections refused before they reached a backend",
    labelNames: ["reason"],
    registers,
  });
  const requests = new Counter({
    name: "mc_proxy_requests_total",
    help: "HTTP requests answered",
    labelNames: ["route", "status"],
    registers,
  });
  const expiry = new Gauge({
    name: "mc_proxy_certificate_expiry_seconds",
    help: "Unix time at which a certificate expires",
    labelNames: ["hostname"],
    registers,
  });
  return {
    connection(route, mode) {
      opened.inc({ route, mode });
      open.inc({ route, mode });
      return () => open.dec({ route, mode });
    },
    refused: (reason) => refused.inc({ reason }),
    request: (route, status) => requests.inc({ route, status: String(status) }),
    certificate(hostname, expiresAt) {
      if (expiresAt === undefined) expiry.remove({ hostname });
      else expiry.set({ hostname }, expiresAt.getTime() / 1000);
    },
    render: async () => (await Promise.all(registers.map((register) => register.metrics()))).join("\n"),
  };
}
