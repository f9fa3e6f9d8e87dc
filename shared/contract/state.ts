/**
 * What flows from the control plane to the node-local runtimes: the values of the feed topics.
 * `node/<name>` carries DesiredService, `routes` carries Route, `firewall` carries FirewallRules, `zones` carries ZoneState.
 */
import { z } from "zod";
import { Digest, HostName, Id, Label, Port, Timestamp } from "./names.ts";
import { Route, RouteHost, RouteMode, RouteRules } from "./route.ts";

/** Record types that MCNS answers with today. */
export const RecordType = z.enum(["A", "AAAA", "CNAME", "NS"]);
/** Record types that MCNS answers with today. */
export type RecordType = z.infer<typeof RecordType>;

/** One resource record; `name` is absolute, without the trailing dot. */
export const ZoneRecord = z.object({
  name: z.string().max(253),
  type: RecordType,
  /** Address, or absolute target name without the trailing dot. */
  value: z.string().max(253),
  ttlSeconds: z.int().min(0).max(86_400),
});
/** One resource record. */
export type ZoneRecord = z.infer<typeof ZoneRecord>;

/** A whole zone. Feed topic `zones`, key = zone name without the trailing dot. */
export const ZoneState = z.object({
  name: HostName,
  primaryServer: HostName,
  adminMailbox: HostName,
  serial: z.int().min(0).max(0xffff_ffff),
  refreshSeconds: z.int(),
  retrySeconds: z.int(),
  expireSeconds: z.int(),
  /** Negative TTL (RFC 2308 §4). */
  minimumSeconds: z.int(),
  records: z.array(ZoneRecord).max(100_000),
});
/** A whole zone. */
export type ZoneState = z.infer<typeof ZoneState>;

/** A route as the definition declares it. `name` decides `$PORT_<NAME>`; unnamed gives `$PORT`. */
export const DesiredRoute = z.object({
  name: Label.optional(),
  port: Port,
  mode: RouteMode,
  hostname: RouteHost,
  /** What the proxy does with it; an agent takes no notice. */
  rules: RouteRules.optional(),
  /** Longest that requests are held, in seconds, while the component's only instance is replaced. */
  pauseSeconds: z.int().min(1).max(600).optional(),
});
/** A route as the definition declares it. */
export type DesiredRoute = z.infer<typeof DesiredRoute>;

/** How the agent decides that an instance is healthy; without one, a TCP connect on each route. */
export const HealthCheck = z.object({
  /** HTTP path asked on the route's port over plain HTTP. */
  path: z.string().max(1024).regex(/^\/[\x21-\x7e]*$/, 'expected a path that starts with "/", percent-encoded')
    .optional(),
  /** Route whose port is asked; the first unless given. */
  route: Label.optional(),
  /** Seconds until an instance that never became healthy counts as failed. */
  timeoutSeconds: z.int().min(1).max(600).default(30),
});
/** How the agent decides that an instance is healthy. */
export type HealthCheck = z.infer<typeof HealthCheck>;

/** How a new version replaces the old one. */
export const UpdateStrategy = z.enum(["rolling", "recreate"]);
/** How a new version replaces the old one: beside it, or after it. */
export type UpdateStrategy = z.infer<typeof UpdateStrategy>;

/** One component of a desired service. */
export const DesiredComponent = z.object({
  name: Label,
  /** Reference as written in the definition, with its tag. */
  image: z.string().max(512),
  /** Digest that the tag had when the deployment was made; pulled by it when known. */
  imageDigest: Digest.optional(),
  /** Hash of everything that makes a container: two equal hashes need no new container. */
  specHash: z.string().max(64),
  volumes: z.array(z.string().max(512)).max(32),
  command: z.array(z.string().max(4096)).max(128),
  env: z.array(z.string().max(8192)).max(256),
  network: z.string().max(64),
  user: z.string().max(64).optional(),
  restart: z.enum(["no", "on-failure", "always", "unless-stopped"]),
  strategy: UpdateStrategy,
  routes: z.array(DesiredRoute).max(32),
  healthCheck: HealthCheck,
});
/** One component of a desired service. */
export type DesiredComponent = z.infer<typeof DesiredComponent>;

/** What a node should run of one service. Feed topic `node/<name>`, key `service/<service>`. A missing key means: nothing. */
export const DesiredService = z.object({
  service: Label,
  /** Revision number that `components` describes. */
  revision: z.int().min(1),
  /** Deployment that asked for it; echoed in reports. */
  deploymentId: Id,
  state: z.enum(["running", "stopped"]),
  components: z.array(DesiredComponent).min(1).max(32),
  /**
   * Instances of other spec hashes stay while true (the new ones are not yet proven and routed),
   * and are drained and removed once false.
   */
  keepOld: z.boolean(),
  /** Grows with each `mcp restart`; an instance that was started under a lower number is restarted in place. */
  restartGeneration: z.int().min(0),
});
/** What a node should run of one service. */
export type DesiredService = z.infer<typeof DesiredService>;

/** Life of an instance as the agent sees it. */
export const InstanceState = z.enum(["pulling", "starting", "healthy", "unhealthy", "failed", "stopping", "stopped"]);
/** Life of an instance as the agent sees it. */
export type InstanceState = z.infer<typeof InstanceState>;

/** One container, existing or wanted, as the agent reports it. */
export const InstanceReport = z.object({
  /** Stable id of the instance: the suffix of the container's name. */
  instance: z.string().max(128),
  service: Label,
  component: Label,
  revision: z.int().min(0),
  specHash: z.string().max(64),
  deploymentId: z.string().max(64),
  state: InstanceState,
  image: z.string().max(512),
  containerId: z.string().max(64).optional(),
  containerName: z.string().max(128).optional(),
  /** Host port of each route; the key is the route's name, or "" for the unnamed one. */
  ports: z.record(z.string(), Port),
  startedAt: z.string().optional(),
  /** Restart generation under which it last started; `startedAt` has whole seconds only and cannot tell two starts apart. */
  restartGeneration: z.int().min(0).optional(),
  exitCode: z.int().optional(),
  /** Why it is in this state, when it is not a good one. */
  reason: z.string().max(2000).optional(),
  /** Last lines of its output when it failed, oldest first. */
  lastLog: z.array(z.string().max(2000)).max(50).optional(),
});
/** One container as the agent reports it. */
export type InstanceReport = z.infer<typeof InstanceReport>;

/** Everything that the agent sees on its node. Replaces the previous report. */
export const NodeReport = z.object({
  /** Feed revision of `node/<name>` that the agent has applied. */
  appliedRevision: z.int().min(0),
  instances: z.array(InstanceReport).max(10_000),
});
/** Everything that the agent sees on its node. */
export type NodeReport = z.infer<typeof NodeReport>;

/** A certificate that a proxy holds. */
export const CertificateReport = z.object({
  hostname: RouteHost,
  /** End of its validity; missing while there is none. */
  notAfter: Timestamp.optional(),
  /** Who gave it: Metacrypt, a public CA by ACME, or the operator's files. */
  source: z.enum(["platform", "acme", "operator"]),
  /** Why there is none, or why the next one could not be had. */
  problem: z.string().max(2000).optional(),
});
/** A certificate that a proxy holds. */
export type CertificateReport = z.infer<typeof CertificateReport>;

/** Counts since the proxy started: what its firewall did. */
export const FirewallHits = z.object({
  /** Refused connections by rule: `blocked-address`, `blocked-country`, `connection-limit`, `connection-cap`. */
  refused: z.record(z.string().max(64), z.int().min(0)),
  /** What would have been refused but for `shadow`, by rule. */
  shadowed: z.record(z.string().max(64), z.int().min(0)).optional(),
});
/** What a proxy's firewall did. */
export type FirewallHits = z.infer<typeof FirewallHits>;

/** What a proxy says after it applied (or could not apply) routes. Replaces the previous report. */
export const ProxyReport = z.object({
  /** Feed revision of `routes` that the proxy has applied. */
  appliedRevision: z.int().min(0),
  /** Routes that do not serve, by key `<hostname>:<port>`: why. */
  problems: z.record(z.string(), z.string().max(2000)),
  /** Connections or requests in flight to instances that no route names any more. */
  draining: z.record(z.string(), z.int().min(0)),
  /** Feed revision of `firewall` that the proxy has applied. */
  firewallRevision: z.int().min(0).optional(),
  version: z.string().max(64).optional(),
  workers: z.int().min(0).max(1024).optional(),
  /** Open client connections of all workers. */
  openConnections: z.int().min(0).optional(),
  /** What it listens on, as `<address>:<port>`. */
  listeners: z.array(z.string().max(128)).max(4096).optional(),
  certificates: z.array(CertificateReport).max(100_000).optional(),
  /** Routes of its configuration. They win over none: a stored route of the same key is reported as a problem. */
  staticRoutes: z.array(Route).max(1024).optional(),
  firewallHits: FirewallHits.optional(),
});
/** What a proxy says after it applied routes. */
export type ProxyReport = z.infer<typeof ProxyReport>;
