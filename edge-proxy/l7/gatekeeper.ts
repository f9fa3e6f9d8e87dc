import type { Route } from "#shared/contract/route.ts";
import type { RequestLimiter } from "../firewall/request-limiter.ts";
import { clientAddressOf } from "../policies/client-address.ts";
import { policiesOf } from "../policies/compile-policies.ts";
import type { ForwardAuth } from "../policies/forward-auth.ts";
import type { Holdings } from "../policies/holdings.ts";
import { judgeRequest, type Verdict } from "../policies/judge-request.ts";
import { routeKey } from "../routes.ts";
import type { Admission, Gatekeeper, JudgedFacts } from "./context.ts";

/** What {@link createGatekeeper} needs. */
export interface GatekeeperOptions {
  readonly findRoute: (listenerPort: number, hostname: string) => Route | undefined;
  readonly limiter: RequestLimiter;
  readonly forwardAuth: Pick<ForwardAuth, "ask">;
  readonly holdings: Holdings;
  /** Counts a request that a policy refused. */
  readonly blocked: (route: string, policy: string) => void;
  /** Counts a request that was one too many. */
  readonly limited: () => void;
}

const pass: Admission = { kind: "pass" };
const gone: Admission = { kind: "answer", status: 503, reason: "the route is gone" };

/** Judges requests in this order: refusals by policy, the request limit, pause, forward-auth. */
export function createGatekeeper(options: GatekeeperOptions): Gatekeeper {
  const { limiter, forwardAuth, holdings, findRoute } = options;

  function admit(route: Route, facts: JudgedFacts, signal: () => AbortSignal): Admission | Promise<Admission> {
    if (route.policies === undefined && route.limits?.requests === undefined) return pass;
    const verdict = judge(route, facts);
    if (verdict?.kind === "refuse") {
      options.blocked(routeKey(route), verdict.reason);
      return toRefusal(verdict);
    }
    const waitSeconds = limiter.admit(route, facts.clientAddress);
    if (waitSeconds > 0) {
      options.limited();
      return refuse(429, "there were too many requests", waitSeconds);
    }
    return verdict === undefined ? pass : wait(route, verdict, { facts, signal: signal() });
  }

  /** Holds and asks until the request may pass or not: the route may have changed meanwhile. */
  async function wait(
    first: Route,
    verdict: Exclude<Verdict, undefined>,
    { facts, signal }: { readonly facts: JudgedFacts; readonly signal: AbortSignal },
  ): Promise<Admission> {
    if (verdict.kind === "refuse") return toRefusal(verdict);
    if (verdict.kind === "ask") return await ask(verdict, facts, signal);
    const end = await holdings.hold(routeKey(first), verdict.seconds, signal);
    if (end !== "changed") return refuse(503, `the route is paused: ${end}`, 1);
    const route = findRoute(facts.origin.port, facts.origin.hostname);
    if (route === undefined) return gone;
    const next = judge(route, facts);
    return next === undefined ? pass : await wait(route, next, { facts, signal });
  }

  async function ask(
    { url, responseFields }: Extract<Verdict, { kind: "ask" }>,
    { request, clientAddress }: JudgedFacts,
    signal: AbortSignal,
  ): Promise<Admission> {
    const answer = await forwardAuth.ask({ url, responseFields, request, clientAddress }, signal);
    if (answer.kind === "pass") return { kind: "pass", fields: answer.fields };
    if (answer.kind === "failed") return { kind: "answer", status: 503, reason: answer.error.message };
    if (answer.kind === "cancelled") return { kind: "answer", status: 503, reason: "the client has gone" };
    return { ...answer, reason: "the authentication service refused" };
  }

  return {
    believe(route, origin, { claimedFor }) {
      const proxies = policiesOf(route)?.trustedProxies;
      if (proxies !== undefined) return clientAddressOf(origin, claimedFor, proxies);
      return { clientAddress: origin.clientAddress, forwardedFor: origin.clientAddress };
    },
    admit,
  };
}

function judge(route: Route, facts: JudgedFacts): Verdict {
  const policies = policiesOf(route);
  return policies && judgeRequest(policies, facts);
}

function toRefusal(verdict: Extract<Verdict, { kind: "refuse" }>): Admission {
  const { status, reason, message, retryAfterSeconds } = verdict;
  return { ...refuse(status, reason, retryAfterSeconds), ...(message === undefined ? {} : { message }) };
}

function refuse(status: number, reason: string, retryAfterSeconds?: number): Extract<Admission, { kind: "answer" }> {
  const fields = retryAfterSeconds === undefined ? [] : ["Retry-After", String(retryAfterSeconds)];
  return { kind: "answer", status, reason, fields };
}
