import { type IRequest, Router } from "itty-router";
import { PlatformError, toPlatformError } from "#shared/errors/platform-error.ts";
import { toProblemResponse } from "#shared/errors/problem.ts";
import { answerHealth } from "#shared/mcdsl/health.ts";
import type { AdminApp } from "#shared/lifecycle/serve-admin.ts";
import type { Proxy } from "./proxy.ts";

/** What the admin endpoints show. */
export interface AdminOptions {
  /** The proxy itself. */
  readonly proxy: Pick<Proxy, "table" | "certificate" | "currentReport" | "renderMetrics">;
}

/** Read-only endpoints for the operator of the node; they belong on a loopback address. */
export function createAdmin({ proxy }: AdminOptions): AdminApp {
  const router = Router<IRequest, []>({ catch: (error: unknown) => toProblemResponse(toPlatformError(error)) });
  router.get("/healthz", () => answerHealth({ routes: () => assertServes(proxy) }));
  router.get(
    "/metrics",
    async () => new Response(await proxy.renderMetrics(), { headers: { "content-type": "text/plain; version=0.0.4" } }),
  );
  router.get("/v1/routes", () => Response.json({ ...proxy.currentReport(), routes: [...proxy.table().routes()] }));
  router.get("/v1/certificates", () => Response.json({ certificates: listCertificates(proxy) }));
  router.all("*", (request) => {
    const { pathname } = new URL(request.url);
    throw new PlatformError("not-found", `Cannot ${request.method} "${pathname}": there is no such endpoint`);
  });
  return { fetch: (request) => router.fetch(request) };
}

function assertServes(proxy: AdminOptions["proxy"]): void {
  const broken = Object.keys(proxy.currentReport().problems);
  if (broken.length > 0 && broken.length >= proxy.table().size) {
    throw new PlatformError("unavailable", `Cannot serve any route: ${broken.slice(0, 5).join(", ")} have problems`);
  }
}

function listCertificates(proxy: AdminOptions["proxy"]): Record<string, string>[] {
  return [...proxy.table().tlsNames].map((hostname): Record<string, string> => {
    const state = proxy.certificate(hostname);
    if (state === "pending") return { hostname, state };
    if ("problem" in state) return { hostname, state: "problem", problem: state.problem };
    const { notBefore, notAfter, serialNumber } = state;
    return {
      hostname,
      state: "live",
      serialNumber,
      notBefore: notBefore.toISOString(),
      notAfter: notAfter.toISOString(),
    };
  });
}
