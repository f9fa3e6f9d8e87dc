import {
  extendZodWithOpenApi,
  OpenApiGeneratorV31,
  OpenAPIRegistry,
  type RouteConfig,
} from "@asteasolutions/zod-to-openapi";
import { z } from "zod";
import { errorCatalogue } from "../errors/catalogue.ts";
import { problemMediaType } from "../errors/problem.ts";
import { type Contract, type Endpoint, Nothing } from "./endpoint.ts";

extendZodWithOpenApi(z);

/** The OpenAPI 3.1 document of several contracts, as served at `/openapi.json`. */
export function toOpenApiDocument(contracts: Readonly<Record<string, Contract>>, version: string): object {
  const registry = new OpenAPIRegistry();
  registry.registerComponent("securitySchemes", "bearer", { type: "http", scheme: "bearer", bearerFormat: "JWT" });
  for (const [system, contract] of Object.entries(contracts)) {
    for (const endpoint of Object.values(contract)) registry.registerPath(toRoute(system, endpoint));
  }
  return new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: "3.1.0",
    info: { title: "Metacircular", version, description: "All systems of the platform; see each path's tag" },
  });
}

function toRoute(system: string, endpoint: Endpoint): RouteConfig {
  const hasAnswer = endpoint.answer !== Nothing;
  return {
    method: methodNames[endpoint.method],
    path: endpoint.path,
    operationId: `${system}.${endpoint.id}`,
    summary: endpoint.summary,
    tags: [system],
    security: endpoint.access === "public" ? [] : [{ bearer: [] }],
    "x-access": endpoint.access,
    request: {
      ...(endpoint.params instanceof z.ZodObject ? { params: endpoint.params } : {}),
      ...(endpoint.query instanceof z.ZodObject ? { query: endpoint.query } : {}),
      ...toRequestBody(endpoint),
    },
    responses: {
      [endpoint.status]: {
        description: hasAnswer || endpoint.answerKind === "raw" ? "The answer" : "Done",
        ...(hasAnswer ? { content: { "application/json": { schema: endpoint.answer } } } : {}),
      },
      ...toErrorResponses(endpoint),
    },
  };
}

const methodNames = { GET: "get", POST: "post", PUT: "put", PATCH: "patch", DELETE: "delete" } as const;

function toRequestBody(endpoint: Endpoint): Pick<NonNullable<RouteConfig["request"]>, "body"> {
  if (endpoint.requestBody === "none" || endpoint.requestBody === "stream") return {};
  const mediaType = endpoint.requestBody === "json" ? "application/json" : "application/x-www-form-urlencoded";
  return { body: { content: { [mediaType]: { schema: endpoint.body } } } };
}

function toErrorResponses(endpoint: Endpoint): RouteConfig["responses"] {
  const common = endpoint.access === "public"
    ? ["invalid-request"] as const
    : ["invalid-request", "unauthenticated", "forbidden"] as const;
  const byStatus = new Map<number, string[]>();
  for (const code of [...common, ...endpoint.errors]) {
    const status = errorCatalogue[code].httpStatus;
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      String(status),
      { description: codes.join(", "), content: { [problemMediaType]: { schema: { type: "object" } } } },
    ]),
  );
}
