import { Hono } from "hono";
import type { Contract } from "#shared/contract/endpoint.ts";
import { mciasContract } from "#shared/contract/mcias.ts";
import { mcnsContract } from "#shared/contract/mcns.ts";
import { mcpContract } from "#shared/contract/mcp.ts";
import { mcrContract } from "#shared/contract/mcr.ts";
import { metacryptContract } from "#shared/contract/metacrypt.ts";
import { toOpenApiDocument } from "#shared/contract/openapi.ts";
import { requestIdOf } from "#shared/contract/request-facts.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { toProblemResponse } from "#shared/errors/problem.ts";
import { answerHealth, type HealthProbe } from "#shared/mcdsl/health.ts";
import type { HttpMetrics } from "./http-metrics.ts";
import { createPathTable, type OwnedPaths, pathsOf, type SystemName, systemNames } from "./path-table.ts";

/** The part of a system's app that is composed; `env` carries the socket of the request. */
export type SystemFetch = (request: Request, env?: unknown) => Promise<Response> | Response;

/** What {@link composeSystems} needs. */
export interface ComposeOptions {
  /** Systems answer at `<system>.svc.<domain>`. */
  readonly domain: string;
  /** The systems of this process; the others are answered with where they are. */
  readonly systems: ReadonlyMap<SystemName, SystemFetch>;
  /** Origins of the systems that other processes serve. */
  readonly peers: Readonly<Partial<Record<SystemName, string>>>;
  readonly probes: Readonly<Record<string, HealthProbe>>;
  readonly metrics: HttpMetrics;
  /** Release, shown in the OpenAPI document. */
  readonly version: string;
}

/** The contracts that the OpenAPI document describes. */
export const contracts: Readonly<Record<SystemName, Contract>> = {
  mcp: mcpContract,
  mcias: mciasContract,
  mcr: mcrContract,
  mcns: mcnsContract,
  metacrypt: metacryptContract,
};

/** Which system owns which paths. The paths are disjoint, so that one origin can offer all systems. */
export const ownedPaths: Readonly<Record<SystemName, OwnedPaths>> = {
  mcp: pathsOf(mcpContract),
  mcias: pathsOf(mciasContract),
  mcns: pathsOf(mcnsContract),
  metacrypt: pathsOf(metacryptContract),
  // Everything below /v2 is the registry API (OCI distribution-spec), whose repository names have slashes.
  mcr: pathsOf(mcrContract, ["/v2"]),
};

/**
 * One HTTP application out of several systems. The host `<system>.svc.<domain>` offers that system alone; any other host,
 * such as `127.0.0.1`, offers all of them on one origin.
 */
export function composeSystems(options: ComposeOptions): Hono {
  const app = new Hono();
  const ownerOf = createPathTable(ownedPaths);
  const document = toOpenApiDocument(contracts, options.version);
  app.get("/openapi.json", (context) => context.json(document));
  app.get("/healthz", () => answerHealth(options.probes));
  app.get("/metrics", async (context) => {
    // Requests by a system's public name come through the proxy: the numbers are not for everybody.
    if (systemOfHost(context.req.raw, options.domain) !== undefined) return notFound(context.req.raw);
    return context.body(await options.metrics.text(), 200, { "content-type": options.metrics.contentType });
  });
  app.all("*", async (context) => {
    const request = context.req.raw;
    const byHost = systemOfHost(request, options.domain);
    const name = byHost ?? ownerOf(context.req.path);
    if (name === undefined) return notFound(request);
    const fetch = options.systems.get(name);
    if (fetch === undefined) return elsewhere(request, name, options.peers[name]);
    const finish = options.metrics.begin(name);
    const response = await fetch(request, context.env);
    finish(response.status);
    return response;
  });
  return app;
}

/** The system that a request's host names, or `undefined` for a host that offers all. */
export function systemOfHost(request: Request, domain: string): SystemName | undefined {
  const suffix = `.svc.${domain}`;
  const host = new URL(request.url).hostname;
  return host.endsWith(suffix) ? systemNames.find((name) => `${name}${suffix}` === host) : undefined;
}

function notFound(request: Request): Response {
  const { pathname } = new URL(request.url);
  return toProblemResponse(
    new PlatformError(
      "not-found",
      `Cannot ${request.method} "${pathname}": no system of this server has such an endpoint`,
    ),
    requestIdOf(request),
  );
}

function elsewhere(request: Request, name: SystemName, origin: string | undefined): Response {
  const place = origin === undefined ? "another server" : origin;
  return toProblemResponse(
    new PlatformError("not-found", `Cannot ask ${name} here: this server does not run it, expected ${place}`, {
      details: origin === undefined ? {} : { origin },
    }),
    requestIdOf(request),
  );
}
