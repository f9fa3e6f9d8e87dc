import type { FirewallRules } from "#shared/contract/firewall.ts";
import type { Route } from "#shared/contract/route.ts";
import type { Log, LogLevel } from "#shared/log/log.ts";
import type { Challenge } from "./acme/challenge.ts";
import type { Attachment } from "./attachments.ts";
import type { PortState } from "./extra-ports.ts";
import type { RuleHits } from "./firewall/hit-counters.ts";
import type { L7Context } from "./l7/context.ts";
import type { ProxyLimits } from "./limits.ts";
import type { ProxyMetrics } from "./metrics.ts";
import type { MetricSamples } from "./metrics/samples.ts";
import type { AppliedChanges, RouteChanges, RouteTable } from "./routes.ts";
import type { TlsMaterial } from "./tls/host-servers.ts";

/** Settings of a data plane: plain data, so that a worker can be given them. */
export interface DataPlaneSettings {
  /** Address that every listener binds. */
  readonly address: string;
  /** Main port; 0 picks a free one. */
  readonly port: number;
  /** External ports that end at the main listener too. */
  readonly aliasPorts: readonly number[];
  /** Routes of the configuration. */
  readonly staticRoutes: readonly Route[];
  /** Descriptors of listening sockets that were inherited. */
  readonly inheritedFds: readonly number[];
  /** Whether others may listen on the same ports. */
  readonly reusePort: boolean;
  /** Listeners whose connections begin with a header of the PROXY protocol. */
  readonly proxyProtocolPorts: readonly number[];
  /** Who may send one: addresses and CIDR blocks. */
  readonly trustedProxies: readonly string[];
  /** How connections for no or unknown names are refused. */
  readonly refuseWith: "alert" | "reset";
  /** Name of clients that ask for none. */
  readonly defaultHostname?: string;
  readonly limits: ProxyLimits;
  /** Which requests get a log line. */
  readonly accessLog: L7Context["accessLog"];
  /** What the keys of session tickets are derived from. */
  readonly ticketSecret: Uint8Array;
  /** Counters of connections and of requests by client, made by `createCounterBuffer` and shared by all workers. */
  readonly counters: { readonly connections: SharedArrayBuffer; readonly requests: SharedArrayBuffer };
  /** Least severe lines that a worker logs. */
  readonly logLevel?: LogLevel;
  /** Number of this worker among those that share the counters. */
  readonly worker: number;
}

/** What {@link openDataPlane} needs. */
export interface DataPlaneOptions extends DataPlaneSettings {
  readonly metrics: ProxyMetrics;
  readonly log: Log;
  /** Country of an address (ISO 3166-1 alpha-2). */
  readonly countryOf?: (address: string) => string | undefined;
  /** Called when {@link DataPlane.portState} or {@link DataPlane.draining} may have changed. */
  readonly onChange: (what: "ports" | "draining") => void;
}

/** What is known of a data plane at one moment. */
export interface PlaneFacts {
  /** Open client connections. */
  readonly openConnections: number;
  /** Addresses of instances that failed lately, and for how many milliseconds others are preferred. */
  readonly instancesAside: Readonly<Record<string, number>>;
  /** Who is connected to which route. */
  readonly attachments: readonly Attachment[];
  /** How often rules of the firewall were met. */
  readonly firewallHits: readonly RuleHits[];
}

/** What moves bytes: listeners, routing, L4 and L7. It knows nothing of where routes and certificates come from. */
export interface DataPlane {
  /** The main port. */
  readonly port: number;
  /** The routes. */
  readonly table: RouteTable;
  /** Routes connections and requests by the changed routes from now on; what is under way goes on. */
  apply(changes: RouteChanges): AppliedChanges;
  /** Serves a certificate from the next handshake on; refuses handshakes of the name when there is none. */
  certificate(hostname: string, material: TlsMaterial | undefined): void;
  /** Answers a CA that looks by TLS whether a name is ours, or does not any more; resolves once every worker does. */
  challenge(step: "present" | "withdraw", challenge: Challenge): Promise<void>;
  /** Judges new connections by these rules. */
  firewall(rules: FirewallRules): void;
  /** Verifies instances that speak TLS against these roots (PEM). */
  roots(pem: string): void;
  /** Changes what workers log. */
  logLevel(level: LogLevel): void;
  /** What is known of an extra port. */
  portState(port: number): PortState;
  /** What it listens on. */
  ports(): readonly number[];
  /** Connections and requests at instances that no route names any more. */
  draining(): Record<string, number>;
  /** What an operator may ask for. */
  facts(): Promise<PlaneFacts>;
  /** What was counted outside this thread, one page for each worker. */
  otherSamples(): Promise<MetricSamples[]>;
  /** How many workers serve. */
  workers(): number;
  /** Stops accepting, lets what is in flight end within the drain time, then cuts the rest. */
  drain(): Promise<void>;
}
