import type { Route } from "#shared/contract/route.ts";
import type { RequestLimiter } from "../firewall/request-limiter.ts";
import type { Admission, Gatekeeper } from "../l7/context.ts";
import type { ClientOrigin, RequestHead } from "../l7/streams.ts";
import { clientAddressOf } from "./client-address.ts";
import { policiesOf } from "./compile-policies.ts";
import type { AuthAnswer, ForwardAuth } from "./forward-auth.ts";
import type { HoldEnd, Holdings } from "./holdings.ts";
import { judgeRequest, type PolicyRefusal, type Verdict } from "./judge-request.ts";

/** Why a request was not let through, for metrics. */
export type GateRefusal = PolicyRefusal | "rate" | "pause" | "forward-auth" | "forward-auth-failed";

/** What {@link createRouteGatekeeper} needs. */
export interface RouteGatekeeperDependencies {
  /** The L7 route of a host name at this moment. */
  readonly findRoute: (listenerPort: number, hostname: string) => Route | undefined;
  readonly limiter: RequestLimiter;
  readonly forwardAuth: Pick<ForwardAuth, "ask">;
  readonly holdings: Holdings;
  /** Counts what was not let through; `error` says why a service could not be asked. */
  readonly refused?: (route: Route, reason: GateRefusal, error?: Error) => void;
}

/** A gatekeeper that can be told of new routes. */
export interface RouteGatekeeper extends Gatekeeper {
  /** Lets held requests go whose route is no longer paused; to be called whenever routes changed. */
  routesChanged(): void;
}

interface Facts {
  readonly request: RequestHead;
  readonly origin: ClientOrigin;
  readonly clientAddress: string;
}

const pass: Admission = { kind: "pass" };

/**
 * Judges requests by their route's policies, then by its limit of requests (429), and then lets them wait or asks about them. A held
 * request is judged anew by the route of the moment at which it goes on.
 */
export function createRouteGatekeeper(dependencies: RouteGatekeeperDependencies): RouteGatekeeper {
  const gate = new Gate(dependencies);
  return {
    believe(route, origin, request) {
      const trusted = policiesOf(route)?.trustedProxies;
      if (trusted !== undefined) return clientAddressOf(origin, request.claimedFor, trusted);
      return { clientAddress: origin.clientAddress, forwardedFor: origin.clientAddress };
    },
    admit: (route, facts, signal) => gate.admit(route, facts, signal),
    routesChanged: () => dependencies.holdings.release((key) => !isPaused(dependencies.findRoute, key)),
  };
}

class Gate {
  readonly #dependencies: RouteGatekeeperDependencies;

  constructor(dependencies: RouteGatekeeperDependencies) {
    this.#dependencies = dependencies;
  }

  admit(route: Route, facts: Facts, signal: () => AbortSignal): Admission | Promise<Admission> {
    const verdict = judge(route, facts);
    if (verdict?.kind === "refuse") return this.#refuseBy(route, verdict);
    const retryAfterSeconds = this.#dependencies.limiter.admit(route, facts.clientAddress);
    if (retryAfterSeconds > 0) {
      return this.#refuse(route, "rate", { status: 429, fields: ["Retry-After", String(retryAfterSeconds)] });
    }
    return verdict === undefined ? pass : this.#carryOut(route, verdict, { facts, signal: signal() });
  }

  /** Waits and asks until the request may pass or not; counted by the limiter once. */
  async #carryOut(route: Route, first: Wait, how: { facts: Facts; signal: AbortSignal }): Promise<Admission> {
    const { findRoute, forwardAuth, holdings } = this.#dependencies;
    const { facts, signal } = how;
    let current = route;
    let verdict: Verdict = first;
    while (verdict?.kind === "hold") {
      const end = await holdings.hold(keyOf(facts.origin), verdict.seconds, signal);
      const next = findRoute(facts.origin.port, facts.origin.hostname);
      if (end !== "changed" || next === undefined) return this.#refuse(current, "pause", toHoldAnswer(end));
      current = next;
      verdict = judge(next, facts);
    }
    if (verdict === undefined) return pass;
    if (verdict.kind === "refuse") return this.#refuseBy(current, verdict);
    return this.#toAdmission(current, await forwardAuth.ask({ ...facts, ...verdict }, signal));
  }

  #toAdmission(route: Route, answer: AuthAnswer): Admission {
    if (answer.kind === "pass") return answer;
    if (answer.kind === "answer") {
      const { status, fields, body } = answer;
      return this.#refuse(route, "forward-auth", { status, fields, body });
    }
    const error = answer.kind === "failed" ? answer.error : undefined;
    return this.#refuse(route, "forward-auth-failed", { status: 503 }, error);
  }

  #refuseBy(route: Route, verdict: Refusal): Admission {
    const { status, reason, message, retryAfterSeconds: seconds } = verdict;
    return this.#refuse(route, reason, {
      status,
      ...(message === undefined ? {} : { message }),
      ...(seconds === undefined ? {} : { fields: ["Retry-After", String(seconds)] }),
    });
  }

  #refuse(route: Route, reason: GateRefusal, answer: Omit<Answer, "kind" | "reason">, error?: Error): Admission {
    this.#dependencies.refused?.(route, reason, error);
    return { kind: "answer", reason, ...answer };
  }
}

function judge(route: Route, facts: Facts): Verdict {
  const policies = policiesOf(route);
  return policies === undefined ? undefined : judgeRequest(policies, facts);
}

function isPaused(findRoute: RouteGatekeeperDependencies["findRoute"], key: string): boolean {
  const [port, hostname = ""] = key.split(" ");
  return findRoute(Number(port), hostname)?.policies?.pause !== undefined;
}

type Answer = Extract<Admission, { kind: "answer" }>;
type Refusal = Extract<Verdict, { kind: "refuse" }>;
type Wait = Exclude<Verdict, undefined | Refusal>;

function keyOf(origin: ClientOrigin): string {
  return `${origin.port} ${origin.hostname}`;
}

function toHoldAnswer(end: HoldEnd): Omit<Answer, "kind" | "reason"> {
  const message = end === "full" ? "Too many requests wait for this service." : "The service is paused for a change.";
  return { status: 503, message };
}
