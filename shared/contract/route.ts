/** One route of a proxy: which name and port, to which instances, how, and under which rules. */
import { z } from "zod";
import { HostName, Label, Port } from "./names.ts";

/** How mc-proxy treats a route: `l4` passes TLS through by SNI, `l7` terminates TLS and proxies HTTP. */
export const RouteMode = z.enum(["l4", "l7"]);
/** How mc-proxy treats a route. */
export type RouteMode = z.infer<typeof RouteMode>;

/** A host name, or `*.` before one: any single label in front of it, after names that match exactly. */
export const RouteHost = z.string().max(253).refine(
  (name) => HostName.safeParse(name.startsWith("*.") ? name.slice(2) : name).success,
  'expected a lower-case host name, or "*." before one',
);

/** One healthy instance behind a route. */
export const Backend = z.object({
  /** Id of the instance; platform services use their own name. */
  instance: z.string().max(128),
  /** IP address. */
  address: z.string().max(64),
  port: Port,
});
/** One healthy instance behind a route. */
export type Backend = z.infer<typeof Backend>;

/** An IP address or a CIDR block, IPv4 or IPv6. */
export const AddressBlock = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]);

/** How an L7 route speaks to its instances: HTTP/1.1 or HTTP/2, in the clear or in TLS verified against the platform's root. */
export const BackendProtocol = z.enum(["http", "https", "h2c", "h2"]);
/** How an L7 route speaks to its instances. */
export type BackendProtocol = z.infer<typeof BackendProtocol>;

/** Bounds of one route; what is missing is the proxy's default. Times in milliseconds. */
export const RouteLimits = z.object({
  /** Largest request head in bytes; never above the proxy's own. */
  headBytes: z.int().min(256).max(65_536).optional(),
  /** Largest request body in bytes. */
  bodyBytes: z.int().min(0).optional(),
  /** Until the instance's response head. */
  firstByteMs: z.int().min(1).max(86_400_000).optional(),
  /** For the whole exchange. */
  totalMs: z.int().min(1).max(86_400_000).optional(),
  /** Without a byte on a connection, a WebSocket or a stream. */
  idleMs: z.int().min(1).max(604_800_000).optional(),
  /** Requests of one client address within a sliding window. */
  requests: z.object({ count: z.int().min(1), windowSeconds: z.int().min(1).max(86_400) }).optional(),
});
/** Bounds of one route. */
export type RouteLimits = z.infer<typeof RouteLimits>;

/** Rules that a request must pass before it reaches an instance of an L7 route. */
export const RoutePolicies = z.object({
  /** Refuses user agents that contain one of these, without regard to case. */
  blockUserAgents: z.array(z.string().min(1).max(256)).max(64).optional(),
  /** Refuses requests without one of these fields, or with another value than the one given. */
  requireHeaders: z.array(z.object({ name: z.string().max(128), value: z.string().max(1024).optional() })).max(16)
    .optional(),
  /** Refuses other client addresses; on L4 routes too. */
  allowAddresses: z.array(AddressBlock).max(1024).optional(),
  /** Peers whose `X-Forwarded-For` is believed and continued. */
  trustedProxies: z.array(AddressBlock).max(64).optional(),
  /** Asks this URL first: 2xx lets the request pass, another answer goes to the client. */
  forwardAuth: z.object({
    url: z.url({ protocol: /^https?$/ }).max(1024),
    /** Fields of its answer that the instance gets to see. */
    responseFields: z.array(z.string().max(128)).max(16).optional(),
  }).optional(),
  /** Answers everything with 503 and this text. */
  maintenance: z.object({ message: z.string().max(2000).optional() }).optional(),
  /** Holds new requests until this is taken away, or answers 503 after so many seconds. */
  pause: z.object({ seconds: z.int().min(1).max(600) }).optional(),
});
/** Rules that a request must pass. */
export type RoutePolicies = z.infer<typeof RoutePolicies>;

/** One route of one proxy. Feed topic `routes`, key `<hostname>:<port>`. */
export const Route = z.object({
  hostname: RouteHost,
  /** External port: what the client connects to. */
  port: Port,
  mode: RouteMode,
  service: Label,
  component: Label,
  /** At least one; the proxy picks the one with the fewest connections. */
  backends: z.array(Backend).min(1).max(64),
  /** Made by a deployment unless it says that an operator stored it or that it is in the proxy's configuration. */
  origin: z.enum(["stored", "static"]).optional(),
  /** Plain HTTP/1.1 unless given; L7 only. */
  backendProtocol: BackendProtocol.optional(),
  /** Name that an instance's certificate must have (`https`, `h2`); the host name unless given. */
  backendServerName: HostName.optional(),
  /** Header of the PROXY protocol in front of each connection; L4 only, since pooled connections serve many clients. */
  sendProxyProtocol: z.enum(["v1", "v2"]).optional(),
  /** Who issues the certificate: the platform's CA unless it is a public one by ACME (RFC 8555). */
  certificate: z.enum(["acme"]).optional(),
  limits: RouteLimits.optional(),
  policies: RoutePolicies.optional(),
});
/** One route of one proxy. */
export type Route = z.infer<typeof Route>;

/** What a route says beyond where it leads: the same fields as in {@link Route}. */
export const RouteRules = Route.pick({
  backendProtocol: true,
  backendServerName: true,
  sendProxyProtocol: true,
  certificate: true,
  limits: true,
  policies: true,
});
/** What a route says beyond where it leads. */
export type RouteRules = z.infer<typeof RouteRules>;
