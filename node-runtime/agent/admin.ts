import { type IRequest, Router } from "itty-router";
import { PlatformError, toPlatformError } from "#shared/errors/platform-error.ts";
import { toProblemResponse } from "#shared/errors/problem.ts";
import { answerHealth } from "#shared/mcdsl/health.ts";
import type { AdminApp } from "#shared/lifecycle/serve-admin.ts";
import type { Agent } from "./agent.ts";
import { describeOperation, type Operation } from "./domain/operation.ts";
import type { AgentMetrics } from "./metrics.ts";

/** What the admin endpoints show. */
export interface AdminOptions {
  readonly agent: Pick<Agent, "plan" | "report">;
  readonly metrics: AgentMetrics;
  /** Resolves when podman answers. */
  readonly ping: () => Promise<void>;
}

/** Values of variables are left out: any program of this machine can ask, and they are where services keep their secrets. */
function toShown(operation: Operation): object {
  const description = describeOperation(operation);
  if (operation.kind !== "create") return { ...operation, description };
  const { env, ...container } = operation.container;
  return { ...operation, container: { ...container, env: Object.keys(env) }, description };
}

/** Read-only endpoints for the operator of the node; they belong on a loopback address or a unix socket. */
export function createAdmin({ agent, metrics, ping }: AdminOptions): AdminApp {
  const router = Router<IRequest, []>({ catch: (error: unknown) => toProblemResponse(toPlatformError(error)) });
  router.get("/healthz", () => answerHealth({ podman: ping }));
  router.get("/metrics", async () => {
    const text = await metrics.render(agent.report());
    return new Response(text, { headers: { "content-type": "text/plain; version=0.0.4" } });
  });
  router.get("/v1/plan", async () => {
    const operations = await agent.plan();
    return Response.json({ operations: operations.map(toShown) });
  });
  router.get("/v1/instances", () => Response.json(agent.report()));
  router.all("*", (request) => {
    const { pathname } = new URL(request.url);
    throw new PlatformError("not-found", `Cannot ${request.method} "${pathname}": there is no such endpoint`);
  });
  return { fetch: (request) => router.fetch(request) };
}
