import { type Backend, type Route, RouteLimits, RoutePolicies, RouteRules } from "#shared/contract/route.ts";
import {
  type LimitsDefinition,
  parseBackend,
  type PoliciesDefinition,
  type RouteRulesDefinition,
  type StoredRouteDefinition,
} from "#shared/contract/route-definition.ts";
import { ByteSize } from "#shared/mcdsl/byte-size.ts";
import { DurationMs } from "#shared/mcdsl/duration.ts";

/** Gives the URL by which a proxy asks MCIAS whether a request to a service may pass. */
export type ForwardAuthUrl = (service: string) => string;

/** Fields of MCIAS's answer that the component gets to see. */
const forwardAuthFields = ["x-auth-account", "x-auth-kind", "x-auth-roles"];

/** The rules of a route as its proxy gets them; `undefined` when it has none. `pause` is left out: it holds during deployments only. */
export function toRouteRules(
  written: RouteRulesDefinition,
  forwardAuthUrl: string,
): RouteRules | undefined {
  const { backend, backend_name: backendServerName, proxy_protocol: sendProxyProtocol, certificate } = written;
  const rules = withoutUndefined({
    backendProtocol: backend,
    backendServerName,
    sendProxyProtocol,
    certificate,
    limits: written.limits === undefined ? undefined : toLimits(written.limits),
    policies: written.policies === undefined ? undefined : toPolicies(written.policies, forwardAuthUrl),
  });
  return Object.keys(rules).length === 0 ? undefined : RouteRules.parse(rules);
}

/** How long requests may be held while the component is replaced, in seconds. */
export function toPauseSeconds({ policies }: RouteRulesDefinition): number | undefined {
  return policies?.pause === undefined ? undefined : DurationMs.parse(policies.pause) / 1_000;
}

/** A stored route as its proxy gets it. Its `pause` holds until the route is stored without it. */
export function toStoredRoute(written: StoredRouteDefinition, forwardAuthUrl: ForwardAuthUrl): Route {
  const service = written.service ?? "stored";
  const { policies, ...rules } = toRouteRules(written, forwardAuthUrl(service)) ?? {};
  const seconds = toPauseSeconds(written);
  const all = { ...policies, ...(seconds === undefined ? {} : { pause: { seconds } }) };
  return {
    hostname: written.hostname,
    port: written.port,
    mode: written.mode,
    service,
    component: service,
    backends: written.backends.flatMap(toBackend),
    origin: "stored",
    ...rules,
    ...(Object.keys(all).length === 0 ? {} : { policies: all }),
  };
}

function toBackend(text: string): Backend[] {
  const parsed = parseBackend(text);
  return parsed === undefined ? [] : [{ instance: text, ...parsed }];
}

function toLimits(written: LimitsDefinition): RouteLimits {
  const { requests } = written;
  return RouteLimits.parse(withoutUndefined({
    headBytes: parseOptional(ByteSize, written.head),
    bodyBytes: parseOptional(ByteSize, written.body),
    firstByteMs: parseOptional(DurationMs, written.first_byte),
    totalMs: parseOptional(DurationMs, written.total),
    idleMs: parseOptional(DurationMs, written.idle),
    requests: requests === undefined
      ? undefined
      : { count: requests.count, windowSeconds: DurationMs.parse(requests.window) / 1_000 },
  }));
}

function toPolicies(written: PoliciesDefinition, forwardAuthUrl: string): RoutePolicies | undefined {
  const { forward_auth: forwardAuth, maintenance } = written;
  const policies = withoutUndefined({
    blockUserAgents: written.block_user_agent,
    requireHeaders: written.require_header?.map(toRequiredHeader),
    allowAddresses: written.allow,
    trustedProxies: written.trusted_proxies,
    forwardAuth: forwardAuth === undefined
      ? undefined
      : forwardAuth === "mcias"
      ? { url: forwardAuthUrl, responseFields: forwardAuthFields }
      : { url: forwardAuth },
    maintenance: maintenance === undefined ? undefined : maintenance === true ? {} : { message: maintenance },
  });
  return Object.keys(policies).length === 0 ? undefined : RoutePolicies.parse(policies);
}

function toRequiredHeader(text: string): { name: string; value?: string } {
  const at = text.indexOf(":");
  return at < 0 ? { name: text } : { name: text.slice(0, at), value: text.slice(at + 1).trim() };
}

function parseOptional(schema: { parse(text: string): number }, text: string | undefined): number | undefined {
  return text === undefined ? undefined : schema.parse(text);
}

/** The fields that have a value: feeds compare bytes, and CBOR would write the others too. */
function withoutUndefined(fields: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
