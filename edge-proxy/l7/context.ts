import type { Buffer } from "node:buffer";
import type { Backend, Route } from "#shared/contract/route.ts";
import type { Log } from "#shared/log/log.ts";
import type { InstanceLoad } from "../instance-load.ts";
import type { ProxyLimits } from "../limits.ts";
import type { Deadlines } from "./deadlines.ts";
import type {
  BackendRequest,
  BackendStream,
  BackendStreamEvents,
  ClientOrigin,
  Fields,
  RequestHead,
} from "./streams.ts";

/** Counts the requests of one route. */
export interface RequestCounter {
  /** Counts an answered request. `ttfbMs` is the time to the instance's response head, when there was one. */
  request(status: number, durationMs: number, ttfbMs: number | undefined): void;
  /** Counts bytes of request bodies. */
  bytesIn(count: number): void;
  /** Counts bytes of response bodies. */
  bytesOut(count: number): void;
  /** Counts a connection that an instance refused or did not answer. */
  instanceFailure(): void;
}

/** What is decided about a request before it may reach an instance. */
export type Admission =
  /** It may pass; with `fields`, these replace its own. */
  | { readonly kind: "pass"; readonly fields?: Fields }
  | {
    readonly kind: "answer";
    readonly status: number;
    readonly reason: string;
    readonly message?: string;
    readonly fields?: Fields;
    readonly body?: Buffer;
  };

/** Who asks, as far as it is believed (H3). */
export interface BelievedClient {
  /** Address for policies, limits and logs. */
  readonly clientAddress: string;
  /** Value of `X-Forwarded-For` for the instance: the client first, the peer last. */
  readonly forwardedFor: string;
}

/** What a request is judged by. */
export interface JudgedFacts {
  readonly request: RequestHead;
  readonly origin: ClientOrigin;
  /** As far as it is believed. */
  readonly clientAddress: string;
}

/** Judges requests by the policies and limits of their route. */
export interface Gatekeeper {
  /** Who asks. */
  believe(route: Route, origin: ClientOrigin, request: RequestHead): BelievedClient;
  /** The decision; at once where possible, as most routes have no rules. Aborting `signal` ends a wait. */
  admit(route: Route, facts: JudgedFacts, signal: () => AbortSignal): Admission | Promise<Admission>;
}

/** Reaches the instances of routes. */
export interface Backends {
  /** Sends `request` to an instance in the route's protocol. */
  open(
    target: { readonly route: Route; readonly backend: Backend; readonly isFresh: boolean },
    request: BackendRequest,
    events: BackendStreamEvents,
  ): BackendStream;
}

/** What the L7 side needs from the rest of the proxy. */
export interface L7Context {
  /** The L7 route of a host name at this moment. */
  readonly findRoute: (listenerPort: number, hostname: string) => Route | undefined;
  readonly load: InstanceLoad;
  readonly backends: Backends;
  readonly gatekeeper: Gatekeeper;
  readonly limits: ProxyLimits;
  readonly deadlines: Deadlines;
  /** Counters of a route's key; those of `refused` for requests that no route took. */
  readonly counter: (routeKey: string) => RequestCounter;
  /** Counts a request that ran into a limit of its route. */
  readonly limited: (limit: "head" | "body" | "first_byte" | "total") => void;
  readonly log: Log;
  /** Which requests get a log line. */
  readonly accessLog: "all" | "errors" | "off";
  /** A new request id. */
  readonly newId: () => string;
  readonly isDraining: () => boolean;
}
