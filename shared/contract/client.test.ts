import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { errorCatalogue, isErrorCode } from "../errors/catalogue.ts";
import { PlatformError } from "../errors/platform-error.ts";
import { silentLog } from "../log/log.ts";
import { createClient, type Fetch } from "./client.ts";
import { endpoint } from "./endpoint.ts";
import { createApi } from "./server.ts";
import { createFakeValidator, createPrincipal, hasCode } from "./testing.ts";

const contract = {
  put: endpoint({
    id: "thing.put",
    method: "PUT",
    path: "/v1/things/{name}",
    summary: "Store a thing",
    access: ["user"],
    params: z.object({ name: z.string() }),
    query: z.object({ count: z.coerce.number().int().default(1), note: z.string().optional() }),
    body: z.object({ at: z.iso.datetime() }),
    answer: z.object({ name: z.string(), count: z.int(), at: z.string(), note: z.string().nullable() }),
  }),
  remove: endpoint({
    id: "thing.remove",
    method: "DELETE",
    path: "/v1/things",
    summary: "Remove all",
    access: "public",
  }),
  fail: endpoint({
    id: "thing.fail",
    method: "GET",
    path: "/v1/fail",
    summary: "Fail",
    access: "public",
    query: z.object({ code: z.string() }),
  }),
  text: endpoint({
    id: "thing.text",
    method: "GET",
    path: "/v1/text",
    summary: "Get the text",
    access: "public",
    answerKind: "raw",
  }),
  send: endpoint({
    id: "thing.send",
    method: "POST",
    path: "/v1/bytes",
    summary: "Send bytes",
    access: "public",
    requestBody: "stream",
    answer: z.object({ bytes: z.int() }),
  }),
} as const;

function createServerFetch(): Fetch {
  const api = createApi({
    system: "things",
    validator: createFakeValidator({ good: createPrincipal() }),
    log: silentLog,
    now: () => new Date(0),
    audit: async () => {},
  });
  api.implement(
    contract.put,
    async ({ params, query, body }) => ({ ...params, count: query.count, note: query.note ?? null, ...body }),
  );
  api.implement(contract.remove, async () => undefined);
  api.implement(contract.fail, async ({ query }) => {
    throw new PlatformError(isErrorCode(query.code) ? query.code : "internal", `Cannot ${query.code}`, {
      details: { n: 1 },
    });
  });
  api.implement(contract.text, async () => new Response("-----BEGIN"));
  api.implement(contract.send, async ({ request }) => ({ bytes: (await request.arrayBuffer()).byteLength }));
  return (request) => api.app.fetch(request);
}

const connect = (fetch: Fetch, timeoutMs = 30_000) =>
  createClient(contract, { fetch, baseUrl: "http://things", token: () => "good", timeoutMs });

test("createClient() carries params, query and body there and the answer back", async () => {
  const client = connect(createServerFetch());
  const at = "2026-01-01T00:00:00Z";
  for (const name of ["web", "a b", "team/web", "ü?#&", "%2F"]) {
    assert.deepEqual(await client.put({ params: { name }, query: { count: 3 }, body: { at } }), {
      name,
      count: 3,
      at,
      note: null,
    });
  }
  assert.equal(await client.remove({}), undefined);
});

test("createClient() refuses names that a URL would lose", async () => {
  const client = connect(createServerFetch());
  for (const name of ["", ".", ".."]) {
    await assert.rejects(
      client.put({ params: { name }, body: { at: "2026-01-01T00:00:00Z" } }),
      hasCode("invalid-request"),
    );
  }
});

test("createClient() gives raw answers as they are and sends streams", async () => {
  const client = connect(createServerFetch());
  assert.equal(await (await client.text({})).text(), "-----BEGIN");
  assert.deepEqual(await client.send({ stream: new Blob(["12345"]).stream() }), { bytes: 5 });
});

test("createClient() turns each problem into the error that was thrown", async () => {
  const client = connect(createServerFetch());
  for (const code of Object.keys(errorCatalogue).filter(isErrorCode)) {
    await assert.rejects(client.fail({ query: { code } }), (error) => {
      assert.ok(error instanceof PlatformError);
      assert.deepEqual([error.code, error.message, error.details["n"]], [code, `Cannot ${code}`, 1]);
      return true;
    });
  }
});

test("createClient() is anonymous without a token", async () => {
  const client = createClient(contract, { fetch: createServerFetch(), baseUrl: "http://things" });
  await assert.rejects(
    client.put({ params: { name: "a" }, body: { at: "2026-01-01T00:00:00Z" } }),
    hasCode("unauthenticated"),
  );
});

test("createClient() says unavailable when the system cannot be reached", async () => {
  const client = connect(() => Promise.reject(new TypeError("fetch failed")));
  await assert.rejects(client.remove({}), hasCode("unavailable"));
});

const hang: Fetch = () => new Promise(() => {});

test("createClient() says timeout when no answer comes in time", async () => {
  await assert.rejects(connect(hang, 5).remove({}), hasCode("timeout"));
});

test("createClient() says timeout when the answer stops in its body", async () => {
  const fetch: Fetch = (request) =>
    new Response(
      new ReadableStream({
        start: (controller) => request.signal.addEventListener("abort", () => controller.error(request.signal.reason)),
      }),
    );
  const call = connect(fetch, 5).put({ params: { name: "a" }, body: { at: "2026-01-01T00:00:00Z" } });
  await assert.rejects(call, hasCode("timeout"));
});

test("createClient() says cancelled when the caller gives up, before or during the call", async () => {
  await assert.rejects(connect(hang).remove({ signal: AbortSignal.abort() }), hasCode("cancelled"));
  const controller = new AbortController();
  const abortAtOnce: Fetch = (request) => {
    queueMicrotask(() => controller.abort());
    return hang(request);
  };
  await assert.rejects(connect(abortAtOnce).remove({ signal: controller.signal }), hasCode("cancelled"));
});

test("createClient() says upstream-failed to an answer that breaks the contract", async () => {
  for (const body of ["{}", "<html>", '{"name":1}']) {
    const call = connect(() => new Response(body)).put({ params: { name: "a" }, body: { at: "2026-01-01T00:00:00Z" } });
    await assert.rejects(call, hasCode("upstream-failed"));
  }
});
