import type { Route } from "#shared/contract/route.ts";
import { routeKey } from "../routes.ts";
import type { L7Context } from "./context.ts";
import type { ClientStream } from "./streams.ts";

/** What became of a request. */
export interface Ending {
  readonly client: ClientStream;
  readonly requestId: string;
  readonly clientAddress: string;
  readonly status: number;
  /** Why it was not an instance's answer, or not a whole one. */
  readonly fault: Error | string | undefined;
  readonly route: Route | undefined;
  readonly instance: string | undefined;
  readonly durationMs: number;
  readonly ttfbMs: number | undefined;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** Counts a request and writes its line. */
export function noteEnding(context: Pick<L7Context, "counter" | "log" | "accessLog">, ending: Ending): void {
  const key = ending.route === undefined ? "refused" : routeKey(ending.route);
  const counter = context.counter(key);
  counter.request(ending.status, ending.durationMs, ending.ttfbMs);
  if (ending.bytesIn > 0) counter.bytesIn(ending.bytesIn);
  if (ending.bytesOut > 0) counter.bytesOut(ending.bytesOut);
  const isFault = ending.status >= 500 && ending.fault !== undefined;
  if (context.accessLog === "off" || (context.accessLog === "errors" && !isFault)) return;
  context.log[isFault ? "warn" : "info"]("request", toFields(key, ending));
}

function toFields(key: string, ending: Ending): Record<string, unknown> {
  const { request, origin } = ending.client;
  return {
    requestId: ending.requestId,
    route: ending.route === undefined ? origin.hostname : key,
    protocol: `HTTP/${request.version}`,
    method: request.method,
    // The query may hold secrets.
    path: request.path.split("?", 1)[0],
    status: ending.status,
    durationMs: Math.round(ending.durationMs),
    bytesIn: ending.bytesIn,
    bytesOut: ending.bytesOut,
    clientAddress: ending.clientAddress,
    ...(ending.instance === undefined ? {} : { instance: ending.instance }),
    ...(ending.fault instanceof Error ? { error: ending.fault } : {}),
    ...(typeof ending.fault === "string" ? { reason: ending.fault } : {}),
  };
}
