import { type IRequest, Router } from "itty-router";
import { z } from "zod";
import type { ProxyReport } from "#shared/contract/state.ts";
import { PlatformError, toPlatformError } from "#shared/errors/platform-error.ts";
import { toProblemResponse } from "#shared/errors/problem.ts";
import { answerHealth } from "#shared/mcdsl/health.ts";
import type { AdminApp } from "#shared/lifecycle/serve-admin.ts";
import { type LogLevel, logLevels } from "#shared/log/log.ts";
import { describeCertificate } from "./describe-certificate.ts";
import { explain, type ExplainSources } from "./explain.ts";
import type { LocalFirewall } from "./local-firewall.ts";
import type { Proxy } from "./proxy.ts";

/** What the admin endpoints show and do. */
export interface AdminOptions {
  /** The proxy itself. */
  readonly proxy: Pick<Proxy, "table" | "plane" | "certificate" | "currentReport" | "renderMetrics" | "isReady">;
  /** The rules of the feed and the bans of this proxy. */
  readonly firewall: LocalFirewall;
  /** Sets the least severe lines that are logged. */
  readonly setLogLevel: (level: LogLevel) => void;
  /** Begins to stop, as a signal would. */
  readonly stop: () => void;
}

const Ban = z.strictObject({
  address: z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]),
  /** Seconds. */
  ttl: z.int().min(1).max(604_800),
});
const Level = z.strictObject({ level: z.enum(logLevels) });
const Question = z.object({
  host: z.string().min(1).max(253),
  path: z.string().max(4_096).default("/"),
  ip: z.union([z.ipv4(), z.ipv6()]).optional(),
  port: z.coerce.number().int().min(1).max(65_535).optional(),
});

/**
 * Endpoints for the operator of the node. They have no login: they belong on a Unix socket that only he may open, or on a loopback
 * address.
 */
export function createAdmin(options: AdminOptions): AdminApp {
  const { proxy, firewall } = options;
  const router = Router<IRequest, []>({ catch: (error: unknown) => toProblemResponse(toPlatformError(error)) });
  router.get("/healthz", () => answerHealth({ routes: () => assertServes(proxy) }));
  router.get("/readyz", () => answerHealth(readiness(proxy)));
  router.get(
    "/metrics",
    async () => new Response(await proxy.renderMetrics(), { headers: { "content-type": "text/plain; version=0.0.4" } }),
  );
  router.get("/v1/routes", () => Response.json(listRoutes(proxy.currentReport(), proxy.table())));
  router.get("/v1/connections", async () => {
    const { openConnections, attachments } = await proxy.plane.facts();
    return Response.json({ open: openConnections, connections: attachments });
  });
  router.get("/v1/instances", async () => {
    const { instancesAside } = await proxy.plane.facts();
    return Response.json({ draining: proxy.plane.draining(), setAsideForMs: instancesAside });
  });
  router.get("/v1/certificates", () => Response.json({ certificates: listCertificates(proxy) }));
  router.get("/v1/firewall", async () => {
    const { firewallHits } = await proxy.plane.facts();
    return Response.json({ rules: firewall.rules(), bans: firewall.bans(), hits: firewallHits });
  });
  router.get("/v1/explain", async (request) => {
    const question = Question.safeParse(request.query);
    if (!question.success) throw invalid("explain", question.error);
    return Response.json(await explain(question.data, toSources(options)));
  });
  addChanges(router, options);
  router.all("*", (request) => {
    const { pathname } = new URL(request.url);
    throw new PlatformError("not-found", `Cannot ${request.method} "${pathname}": there is no such endpoint`);
  });
  return { fetch: (request) => router.fetch(request) };
}

function addChanges(router: ReturnType<typeof Router<IRequest, []>>, options: AdminOptions): void {
  const { firewall } = options;
  router.post("/v1/drain", () => {
    options.stop();
    return Response.json({ state: "draining" }, { status: 202 });
  });
  router.put("/v1/log-level", async (request) => {
    const body = Level.safeParse(await bodyOf(request));
    if (!body.success) throw invalid("set the log level", body.error);
    options.setLogLevel(body.data.level);
    return Response.json(body.data);
  });
  router.post("/v1/firewall/bans", async (request) => {
    const body = Ban.safeParse(await bodyOf(request));
    if (!body.success) throw invalid("ban", body.error);
    return Response.json(firewall.ban(body.data.address, body.data.ttl * 1000), { status: 201 });
  });
  router.delete("/v1/firewall/bans/:address+", (request) => {
    const address = decodeURIComponent(String(request.params["address"]));
    if (!firewall.unban(address)) {
      throw new PlatformError("not-found", `Cannot lift the ban of "${address}": there is none`);
    }
    return new Response(null, { status: 204 });
  });
}

async function bodyOf(request: IRequest): Promise<unknown> {
  try {
    return await request.json();
  } catch (cause) {
    throw new PlatformError("invalid-request", "Cannot read the body: it is no JSON", { cause });
  }
}

function invalid(action: string, error: z.ZodError): PlatformError {
  const problems = error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  return new PlatformError("invalid-request", `Cannot ${action}: ${problems.join("; ")}`, { details: { problems } });
}

function toSources({ proxy, firewall }: AdminOptions): ExplainSources {
  return {
    table: proxy.table(),
    mainPort: proxy.plane.port,
    judge: firewall.explain,
    certificate: proxy.certificate,
    problemOf: (key) => proxy.currentReport().problems[key],
    facts: () => proxy.plane.facts(),
  };
}

function assertServes(proxy: Pick<Proxy, "table" | "currentReport">): void {
  const broken = Object.keys(proxy.currentReport().problems);
  if (broken.length > 0 && broken.length >= proxy.table().size) {
    throw new PlatformError("unavailable", `Cannot serve any route: ${broken.slice(0, 5).join(", ")} have problems`);
  }
}

function readiness({ plane, isReady }: Pick<Proxy, "plane" | "isReady">): Record<string, () => void> {
  return {
    listeners() {
      if (plane.ports().length === 0) throw new PlatformError("unavailable", "Cannot accept: no listener is open");
    },
    routes() {
      if (!isReady()) throw new PlatformError("unavailable", "Cannot serve: no routes were applied yet");
    },
  };
}

function listRoutes(report: ProxyReport, table: ReturnType<Proxy["table"]>): Record<string, unknown> {
  return { ...report, routes: [...table.routes()], conflicts: Object.fromEntries(table.conflicts) };
}

function listCertificates(proxy: Pick<Proxy, "table" | "certificate">): Record<string, unknown>[] {
  return [...proxy.table().tlsNames].map((hostname) => describeCertificate(hostname, proxy.certificate(hostname)));
}
