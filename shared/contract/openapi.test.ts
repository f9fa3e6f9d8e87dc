import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { type Contract, Nothing } from "./endpoint.ts";
import { mciasContract } from "./mcias.ts";
import { mcnsContract } from "./mcns.ts";
import { mcpContract } from "./mcp.ts";
import { mcrContract } from "./mcr.ts";
import { metacryptContract } from "./metacrypt.ts";
import { toOpenApiDocument } from "./openapi.ts";

const contracts: Record<string, Contract> = {
  mcias: mciasContract,
  mcns: mcnsContract,
  mcp: mcpContract,
  mcr: mcrContract,
  metacrypt: metacryptContract,
};
const endpoints = Object.entries(contracts).flatMap(([system, contract]) =>
  Object.values(contract).map((endpoint) => ({ system, endpoint }))
);

/** The parts of OpenAPI 3.1 that every operation must have. */
const Operation = z.object({
  operationId: z.string(),
  summary: z.string(),
  tags: z.array(z.string()),
  security: z.array(z.record(z.string(), z.array(z.string()))),
  parameters: z.array(z.object({ name: z.string(), in: z.enum(["path", "query"]), required: z.boolean().optional() }))
    .optional(),
  requestBody: z.object({ content: z.record(z.string(), z.object({ schema: z.looseObject({}) })) }).optional(),
  responses: z.record(z.string().regex(/^[1-5]\d\d$/), z.looseObject({ description: z.string() })),
});
const Document = z.object({
  openapi: z.literal("3.1.0"),
  info: z.object({ title: z.string(), version: z.literal("9.9.9") }),
  components: z.looseObject({ securitySchemes: z.object({ bearer: z.looseObject({ type: z.literal("http") }) }) }),
  paths: z.record(z.string().startsWith("/"), z.record(z.string(), Operation)),
});
const document = Document.parse(JSON.parse(JSON.stringify(toOpenApiDocument(contracts, "9.9.9"))));
const operationOf = (method: string, path: string) => {
  const operation = document.paths[path]?.[method.toLowerCase()];
  assert.ok(operation, `${method} ${path} is not in the document`);
  return operation;
};

test("toOpenApiDocument() lists every endpoint of every system, and no other", () => {
  const listed = Object.values(document.paths).flatMap((methods) => Object.values(methods));
  const expected = endpoints.map(({ system, endpoint }) => `${system}.${endpoint.id}`);
  assert.deepEqual(listed.map(({ operationId }) => operationId).toSorted(compare), expected.toSorted(compare));
});

test("toOpenApiDocument() names each path parameter, the access and the answers", () => {
  for (const { endpoint } of endpoints) {
    const operation = operationOf(endpoint.method, endpoint.path);
    const declared = (operation.parameters ?? []).filter((parameter) => parameter.in === "path").map(({ name }) =>
      name
    );
    const inPath = [...endpoint.path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
    assert.deepEqual(declared.toSorted(compare), inPath.toSorted(compare), endpoint.path);
    assert.equal(operation.security.length, endpoint.access === "public" ? 0 : 1, endpoint.path);
    assert.ok(operation.responses[String(endpoint.status)], endpoint.path);
    assert.equal(
      "401" in operation.responses && "403" in operation.responses,
      endpoint.access !== "public",
      endpoint.path,
    );
  }
});

test("contracts use each operation id and each method and path once over all systems", () => {
  const ids = endpoints.map(({ system, endpoint }) => `${system}.${endpoint.id}`);
  const places = endpoints.map(({ endpoint }) => `${endpoint.method} ${endpoint.path.replaceAll(/\{\w+\}/g, "{}")}`);
  assert.deepEqual(duplicatesOf(ids), []);
  assert.deepEqual(duplicatesOf(places), []);
});

test("contracts declare bodies, answers and audit by the method's meaning", () => {
  for (const { endpoint } of endpoints) {
    if (endpoint.method === "GET") assert.equal(endpoint.requestBody, "none", endpoint.path);
    if (endpoint.method === "GET") assert.equal(endpoint.audited, false, endpoint.path);
    if (endpoint.status === 204) assert.equal(endpoint.answer, Nothing, endpoint.path);
    if (endpoint.answerKind === "json" && endpoint.status !== 204) {
      assert.notEqual(endpoint.answer, Nothing, endpoint.path);
    }
    assert.match(endpoint.id, /^[a-z][a-z-]*(\.[a-z-]+)+$/);
    assert.match(endpoint.path, /^\/(v1\/|\.well-known\/)/);
  }
});

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function duplicatesOf(values: readonly string[]): string[] {
  return values.filter((value, index) => values.indexOf(value) !== index);
}
