import type { ServerResponse } from "node:http";
import type { Backend, Route } from "#shared/contract/route.ts";
import { backendKey, routeKey } from "../routes.ts";
import { answerError } from "./answer-error.ts";
import { createDeadline } from "./deadline.ts";
import { deliverResponse } from "./deliver-response.ts";
import type { Exchange, L7Dependencies } from "./exchange.ts";
import { type SendOutcome, sendRequest } from "./send-request.ts";

/** What became of a request, for its log line. */
interface Ending {
  readonly status: number;
  readonly route?: Route;
  readonly backend?: Backend;
  readonly error?: Error;
}

/**
 * Answers a request from an instance of its route, as the table is at each try. An instance that refuses the connection is passed
 * over for the next; a pooled connection that had died is replaced once (RFC 9110 §9.2.2). Resolves when the client was answered
 * or has gone; never rejects.
 */
export async function forwardRequest(
  exchange: Exchange,
  response: ServerResponse,
  dependencies: L7Dependencies & { readonly isDraining: () => boolean },
): Promise<void> {
  const startedAt = performance.now();
  const ending = await forward(exchange, response, dependencies);
  const { request, requestId, hostname } = exchange;
  const route = ending.route === undefined ? hostname : routeKey(ending.route);
  dependencies.metrics.request(route, ending.status);
  dependencies.log[ending.status >= 500 && ending.error ? "warn" : "info"]("request", {
    requestId,
    route,
    method: request.method,
    path: exchange.path.split("?", 1)[0],
    status: ending.status,
    durationMs: Math.round(performance.now() - startedAt),
    clientAddress: exchange.clientAddress,
    ...(ending.backend === undefined ? {} : { instance: ending.backend.instance }),
    ...(ending.error === undefined ? {} : { error: ending.error }),
  });
}

type Dependencies = L7Dependencies & { readonly isDraining: () => boolean };

async function forward(exchange: Exchange, response: ServerResponse, dependencies: Dependencies): Promise<Ending> {
  const failed = new Set<string>();
  let last: Ending = { status: 503 };
  let isFresh = false;
  for (;;) {
    const route = dependencies.findRoute(exchange.port, exchange.hostname);
    const backend = route && dependencies.load.pick(route.backends, failed);
    if (route === undefined || backend === undefined) return answer(exchange, response, last);
    const leave = dependencies.load.enter(backend.instance);
    try {
      const outcome = await tryBackend(exchange, response, { dependencies, backend, isFresh });
      if (outcome.kind === "delivered") return { status: response.statusCode, route, backend };
      if (response.destroyed) return { status: 499, route, backend };
      last = { status: outcome.status, route, backend, error: outcome.error };
      if (outcome.step === "connect") failed.add(backendKey(backend));
      else if (outcome.step === "stale" && !isFresh) isFresh = true;
      else return answer(exchange, response, last);
    } finally {
      leave();
    }
  }
}

async function tryBackend(
  exchange: Exchange,
  response: ServerResponse,
  use: { readonly dependencies: Dependencies; readonly backend: Backend; readonly isFresh: boolean },
): Promise<{ kind: "delivered" } | Extract<SendOutcome, { kind: "failed" }>> {
  const { backend, dependencies: { limits, pools, isDraining } } = use;
  const deadline = createDeadline();
  const agent = use.isFresh ? false : pools.agent(backend);
  const outcome = await sendRequest(exchange, response, { backend, agent, limits, deadline });
  if (outcome.kind === "failed") return outcome;
  // A final answer instead of 100 leaves open whether the client still sends its body (RFC 9110 §10.1.1).
  const closesAfter = isDraining() || (exchange.expectsContinue && !exchange.request.complete);
  await deliverResponse(outcome, response, { limits, deadline, closesAfter });
  return { kind: "delivered" };
}

function answer(exchange: Exchange, response: ServerResponse, ending: Ending): Ending {
  answerError(response, ending.status, { ...exchange, closes: exchange.hasBody });
  return ending;
}
