/** A route as people write it: what it may say beyond name, port and host name. Durations and sizes stay texts, as they were written. */
import { z } from "zod";
import { ByteSize } from "../mcdsl/byte-size.ts";
import { DurationMs } from "../mcdsl/duration.ts";
import { HostName, Label, Port } from "./names.ts";
import { AddressBlock, BackendProtocol, RouteHost, RouteMode } from "./route.ts";

const dayMs = 86_400_000;

/** A duration of at least a millisecond. */
function durationUpTo(longestMs: number, longest: string) {
  return z.string().max(16).refine((text) => {
    const parsed = DurationMs.safeParse(text);
    return parsed.success && parsed.data >= 1 && parsed.data <= longestMs;
  }, `expected a duration such as "30s", at most ${longest}`);
}

/** A duration of whole seconds. */
function secondsUpTo(longestSeconds: number, longest: string) {
  return z.string().max(16).refine((text) => {
    const { success, data = 0 } = DurationMs.safeParse(text);
    return success && data >= 1_000 && data % 1_000 === 0 && data <= longestSeconds * 1_000;
  }, `expected whole seconds such as "10s", at most ${longest}`);
}

function sizeBetween(smallest: number, largest: number, range: string) {
  return z.string().max(16).refine((text) => {
    const { success, data = 0 } = ByteSize.safeParse(text);
    return success && data >= smallest && data <= largest;
  }, `expected a size such as "16KiB", ${range}`);
}

/** `[components.routes.limits]`: bounds of one route. */
export const LimitsDefinition = z.strictObject({
  head: sizeBetween(256, 65_536, "from 256B to 64KiB").optional().describe("Largest request head."),
  body: sizeBetween(0, Number.MAX_SAFE_INTEGER, "0B for none").optional().describe("Largest request body."),
  first_byte: durationUpTo(dayMs, "24h").optional().describe("Longest wait for the head of the response."),
  total: durationUpTo(dayMs, "24h").optional().describe("Longest time for a request and its response."),
  idle: durationUpTo(7 * dayMs, "7d").optional().describe(
    "Longest time without a byte: of a body, a stream, a WebSocket or an `l4` connection.",
  ),
  requests: z.strictObject({
    count: z.int().min(1).max(10_000_000).describe("Requests of one client address within the window."),
    window: secondsUpTo(86_400, "24h").describe("Length of the sliding window."),
  }).optional().describe("How many requests one client may make; those above are answered with 429."),
});
/** Bounds of one route as written. */
export type LimitsDefinition = z.infer<typeof LimitsDefinition>;

const headerPattern = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}(:[ \t]*[\x21-\x7e](?:[\x20-\x7e]{0,1022}[\x21-\x7e])?)?$/;
const Block = z.string().max(64).refine(
  (text) => AddressBlock.safeParse(text).success,
  'expected an IP address or a CIDR block such as "10.0.0.0/8"',
);

/** `[components.routes.policies]`: what a request must pass. */
export const PoliciesDefinition = z.strictObject({
  block_user_agent: z.array(z.string().min(1).max(256)).max(64).optional().describe(
    "Refuses clients whose `User-Agent` contains one of these, without regard to case.",
  ),
  require_header: z.array(z.string().max(1200).regex(headerPattern, 'expected "Name" or "Name: value"')).max(16)
    .optional().describe("Refuses requests without one of these fields, or with another value."),
  allow: z.array(Block).max(1024).optional().describe(
    "Refuses all other client addresses. The only policy of `l4` routes.",
  ),
  trusted_proxies: z.array(Block).max(64).optional().describe(
    "Peers whose `X-Forwarded-For` is believed and continued.",
  ),
  forward_auth: z.string().max(1024).refine(
    (text) => text === "mcias" || z.url({ protocol: /^https?$/ }).safeParse(text).success,
    'expected "mcias" or a URL',
  ).optional().describe(
    '`"mcias"` lets in whoever has a token of the platform; a URL (admins only) is asked before each request: 2xx lets it pass.',
  ),
  maintenance: z.union([z.string().min(1).max(2000), z.literal(true)], "expected a text, or true").optional().describe(
    "Answers everything with 503 and this text; `true`: with the proxy's own.",
  ),
  pause: secondsUpTo(600, "10m").optional().describe(
    "Holds requests for up to so long, instead of refusing them, while a `recreate` deployment replaces the instance.",
  ),
});
/** What a request must pass, as written. */
export type PoliciesDefinition = z.infer<typeof PoliciesDefinition>;

/** The fields that routes of service definitions and stored routes share. */
export const routeRuleFields = {
  backend: BackendProtocol.optional().describe(
    "How an `l7` route speaks to the component: HTTP/1.1 (`http`) or HTTP/2 (`h2c`), or either in TLS verified against the platform's CA (`https`, `h2`). `http` unless given.",
  ),
  backend_name: HostName.optional().describe(
    "Name that the component's certificate must have (`https`, `h2`); the host name of the route unless given.",
  ),
  proxy_protocol: z.enum(["v1", "v2"]).optional().describe(
    "Begins each connection of an `l4` route with a header of the PROXY protocol, which tells the client's address.",
  ),
  certificate: z.literal("acme").optional().describe(
    "`acme`: an `l7` route gets a certificate of a public CA by ACME instead of one of the platform's CA.",
  ),
  limits: LimitsDefinition.optional().describe("Bounds of the route; what is missing is the proxy's default."),
  policies: PoliciesDefinition.optional().describe("What a request must pass before it reaches the component."),
};

/** The rules of a route as written. */
export type RouteRulesDefinition = {
  readonly [K in keyof typeof routeRuleFields]?: z.infer<(typeof routeRuleFields)[K]>;
};

/** One thing wrong between the fields of a route. */
export interface RouteProblem {
  readonly path: readonly string[];
  readonly message: string;
}

/** What is wrong between the fields of a route: rules that its mode cannot keep, and those that contradict each other. */
export function listRouteProblems(
  route: RouteRulesDefinition & { readonly mode: RouteMode; readonly hostname?: string | undefined },
): RouteProblem[] {
  return route.mode === "l4" ? listL4Problems(route) : listL7Problems(route);
}

function listL4Problems(route: RouteRulesDefinition): RouteProblem[] {
  const given = (value: object | undefined, path: readonly string[], allowed: string) =>
    Object.entries(value ?? {}).filter(([key, content]) => content !== undefined && key !== allowed).map(([key]) => [
      ...path,
      key,
    ]);
  const { backend, backend_name, certificate, limits, policies } = route;
  const paths = [
    ...given({ backend, backend_name, certificate }, [], ""),
    ...given(limits, ["limits"], "idle"),
    ...given(policies, ["policies"], "allow"),
  ];
  return paths.map((path) => ({
    path,
    message: 'the proxy does not see requests of an "l4" route, expected mode "l7" for this',
  }));
}

function listL7Problems(
  { hostname, ...route }: RouteRulesDefinition & { hostname?: string | undefined },
): RouteProblem[] {
  const problems: RouteProblem[] = [];
  if (route.proxy_protocol !== undefined) {
    const message = 'connections to instances of an "l7" route serve many clients, expected mode "l4" for this';
    problems.push({ path: ["proxy_protocol"], message });
  }
  if (route.backend_name !== undefined && route.backend !== "https" && route.backend !== "h2") {
    const message = `there is no certificate to check with backend "${
      route.backend ?? "http"
    }", expected "https" or "h2"`;
    problems.push({ path: ["backend_name"], message });
  }
  if (route.certificate === "acme" && hostname?.startsWith("*.") === true) {
    const message = `a public CA proves no "${hostname}" by http-01 or tls-alpn-01, expected a name without "*."`;
    problems.push({ path: ["certificate"], message });
  }
  return problems;
}

const backendPattern = /^(?:(\d{1,3}(?:\.\d{1,3}){3})|\[([0-9a-fA-F:.]+)\]):(\d{1,5})$/;

/** The address and port of a text such as `10.0.0.7:8080` or `[fd00::7]:8080`, or `undefined` when it is none. */
export function parseBackend(text: string): { readonly address: string; readonly port: number } | undefined {
  const [, v4, v6, port] = backendPattern.exec(text) ?? [];
  const address = v4 ?? v6;
  const isAddress = v4 === undefined ? z.ipv6().safeParse(address).success : z.ipv4().safeParse(address).success;
  const parsedPort = Port.safeParse(Number(port));
  return address !== undefined && isAddress && parsedPort.success ? { address, port: parsedPort.data } : undefined;
}

/** A route that an operator stores: to something that no deployment runs. */
export const StoredRouteDefinition = z.strictObject({
  hostname: RouteHost.describe("Host name that clients ask for, or `*.` before one for any single label."),
  port: Port.describe("Port that clients connect to."),
  mode: RouteMode.describe("`l4`: TLS goes through. `l7`: the proxy terminates TLS and speaks HTTP."),
  backends: z.array(
    z.string().max(64).refine(
      (text) => parseBackend(text) !== undefined,
      'expected an IP address and a port, such as "10.0.0.7:8080" or "[fd00::7]:8080"',
    ),
  ).min(1).max(64).describe("Where the route leads, as `address:port`."),
  service: Label.optional().describe("Name in logs and metrics; `stored` unless given."),
  ...routeRuleFields,
}).superRefine((route, context) => {
  for (const { path, message } of listRouteProblems(route)) {
    context.addIssue({ code: "custom", path: [...path], message });
  }
});
/** A route that an operator stores. */
export type StoredRouteDefinition = z.infer<typeof StoredRouteDefinition>;
