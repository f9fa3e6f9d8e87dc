import type { Route, RoutePolicies } from "#shared/contract/route.ts";
import { type Address, parseAddress } from "../firewall/address.ts";
import { type BlockSet, createBlockSet } from "../firewall/block-set.ts";

/** A field that every request must have. */
export interface RequiredField {
  readonly lowerName: string;
  /** Value that each of its lines must have; any unless given. */
  readonly value: string | undefined;
}

/** Policies of a route in a form that judges at once. */
export interface CompiledPolicies {
  readonly allowed: BlockSet<true> | undefined;
  /** Parts of blocked user agents, in lower case. */
  readonly blockedAgents: readonly string[];
  readonly requiredFields: readonly RequiredField[];
  readonly trustedProxies: BlockSet<true> | undefined;
  readonly maintenance: RoutePolicies["maintenance"];
  readonly pause: RoutePolicies["pause"];
  /** URL to ask, and the lower-case names of the answer's fields that the instance gets. */
  readonly forwardAuth: { readonly url: URL; readonly responseFields: readonly string[] } | undefined;
}

/** Framing, hop-by-hop and fields that the proxy writes itself: no answer of an authentication service may set them. */
const ownFields =
  /^(connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|expect|host|content-length|via|forwarded|x-forwarded-.*|x-real-ip|x-request-id)$/;

/** `policies` in a form that judges at once. */
export function compilePolicies(policies: RoutePolicies): CompiledPolicies {
  const { forwardAuth } = policies;
  return {
    allowed: toSet(policies.allowAddresses),
    blockedAgents: (policies.blockUserAgents ?? []).map((part) => part.toLowerCase()),
    requiredFields: (policies.requireHeaders ?? []).map(({ name, value }) => ({
      lowerName: name.toLowerCase(),
      value,
    })),
    trustedProxies: toSet(policies.trustedProxies),
    maintenance: policies.maintenance,
    pause: policies.pause,
    forwardAuth: forwardAuth === undefined ? undefined : {
      url: new URL(forwardAuth.url),
      responseFields: (forwardAuth.responseFields ?? []).map((name) => name.toLowerCase()).filter((name) =>
        !ownFields.test(name.replaceAll("_", "-"))
      ),
    },
  };
}

const byRoute = new WeakMap<Route, CompiledPolicies>();

/** The compiled policies of `route`, made once for each route object; `undefined` when it has none. */
export function policiesOf(route: Route): CompiledPolicies | undefined {
  if (route.policies === undefined) return undefined;
  let compiled = byRoute.get(route);
  if (compiled === undefined) byRoute.set(route, compiled = compilePolicies(route.policies));
  return compiled;
}

/** Whether the route's list lets a client at `text` in; for L4 routes this is all there is to judge. */
export function allowsAddress(policies: CompiledPolicies, text: string): boolean {
  if (policies.allowed === undefined) return true;
  const address: Address | undefined = parseAddress(text);
  return address !== undefined && policies.allowed.find(address) === true;
}

/** An empty list lets nobody in: only a missing one means everybody. */
function toSet(blocks: readonly string[] | undefined): BlockSet<true> | undefined {
  return blocks === undefined ? undefined : createBlockSet(blocks.map((block) => [block, true] as const));
}
