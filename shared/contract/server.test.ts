import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { PlatformError } from "../errors/platform-error.ts";
import { Problem } from "../errors/problem.ts";
import { createLog } from "../log/log.ts";
import type { AuditEvent } from "../store/audit.ts";
import { endpoint } from "./endpoint.ts";
import { type Api, createApi } from "./server.ts";
import { createFakeValidator, createPrincipal } from "./testing.ts";

const principals = {
  user: createPrincipal(),
  guest: createPrincipal({ username: "gina", roles: ["guest"] }),
  admin: createPrincipal({ username: "root", roles: ["admin"] }),
  node: createPrincipal({ username: "rift", kind: "node", roles: [] }),
  system: createPrincipal({ username: "mcp", kind: "system", roles: [] }),
  foreign: createPrincipal({ username: "fred", audience: ["wiki"] }),
};

const setPort = endpoint({
  id: "port.set",
  method: "PUT",
  path: "/v1/ports/{name}",
  summary: "Set a port",
  access: ["user"],
  params: z.object({ name: z.string().max(4) }),
  query: z.object({ dry: z.stringbool().default(false) }),
  body: z.object({ port: z.int().min(1), owner: z.string().min(2) }),
  answer: z.object({ name: z.string(), port: z.int(), by: z.string(), dry: z.boolean() }),
  maxBodyBytes: 100,
});
const listPorts = endpoint({
  id: "port.list",
  method: "GET",
  path: "/v1/ports",
  summary: "List ports",
  access: ["user"],
  answer: z.object({ ports: z.array(z.int()) }),
});

interface Server {
  readonly api: Api;
  readonly events: Omit<AuditEvent, "id">[];
  readonly lines: string[];
  readonly ask: (
    method: string,
    path: string,
    options?: { token?: string; body?: unknown; headers?: Record<string, string> },
  ) => Promise<Response>;
}

function createServer(): Server {
  const events: Omit<AuditEvent, "id">[] = [];
  const lines: string[] = [];
  const api = createApi({
    system: "ports",
    validator: createFakeValidator(principals),
    log: createLog({ system: "ports", write: (line) => void lines.push(line) }),
    now: () => new Date("2026-01-01T00:00:00Z"),
    audit: async (event) => void events.push(event),
  });
  api.implement(
    setPort,
    async ({ params, query, body, principal }) => ({ ...params, ...query, port: body.port, by: principal.username }),
  );
  api.implement(listPorts, async () => ({ ports: [1] }));
  const ask: Server["ask"] = async (method, path, { token, body, headers } = {}) =>
    await api.app.request(path, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
  return { api, events, lines, ask };
}

const codeOf = async (response: Response) => Problem.parse(await response.json()).code;
const good = { port: 80, owner: "me" };

test("implement() answers with what the handler gives, defaults filled in", async () => {
  const { ask } = createServer();
  const response = await ask("PUT", "/v1/ports/web", { token: "user", body: good });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("cache-control"), "no-store");
  assert.deepEqual(await response.json(), { name: "web", port: 80, by: "alice", dry: false });
});

test("implement() answers 401 without a token, with an unknown or an overlong one, before it looks at the input", async () => {
  const { ask } = createServer();
  for (
    const headers of [{}, { authorization: "Bearer nobody" }, { authorization: "Basic dXNlcg==" }, {
      authorization: `Bearer ${"x".repeat(5000)}`,
    }]
  ) {
    const response = await ask("PUT", "/v1/ports/web", { headers, body: { port: "wrong" } });
    assert.equal(response.status, 401);
    assert.match(response.headers.get("www-authenticate") ?? "", /^Bearer/);
    assert.equal(await codeOf(response), "unauthenticated");
  }
});

test("implement() answers 403 to the wrong audience", async () => {
  const { ask } = createServer();
  const response = await ask("GET", "/v1/ports", { token: "foreign" });
  assert.equal(response.status, 403);
  assert.match(Problem.parse(await response.json()).detail, /audience is "wiki", expected "metacircular"/);
});

test("implement() lets in who the endpoint names and nobody else", async () => {
  const { api, ask } = createServer();
  const table = {
    authenticated: ["user", "guest", "admin", "node", "system"],
    user: ["user", "admin"],
    admin: ["admin"],
    node: ["node"],
    system: ["system"],
  } as const;
  const kinds = ["authenticated", "user", "admin", "node", "system"] as const;
  for (const kind of kinds) {
    const only = { id: `only.${kind}`, method: "GET", path: `/only/${kind}`, summary: "Test", access: [kind] } as const;
    api.implement(endpoint(only), async () => undefined);
  }
  for (const kind of kinds) {
    for (const token of ["user", "guest", "admin", "node", "system"] as const) {
      const { status } = await ask("GET", `/only/${kind}`, { token });
      assert.equal(status, table[kind].some((allowed) => allowed === token) ? 204 : 403, `${token} on ${kind}`);
    }
  }
});

test("implement() answers 400 with all problems at once", async () => {
  const { ask } = createServer();
  const response = await ask("PUT", "/v1/ports/toolong?dry=perhaps", { token: "user", body: { port: 0, owner: "x" } });
  assert.equal(response.status, 400);
  const problem = Problem.parse(await response.json());
  assert.equal(problem.code, "invalid-request");
  const places = z.array(z.string()).parse(problem.details?.["problems"]).map((line) => line.split(":")[0]);
  assert.deepEqual(places, ["path.name", "query.dry", "body.port", "body.owner"]);
});

test("implement() answers 400 to a body that is not JSON and 415 to another media type", async () => {
  const { ask } = createServer();
  assert.equal(await codeOf(await ask("PUT", "/v1/ports/web", { token: "user", body: "{" })), "invalid-request");
  const response = await ask("PUT", "/v1/ports/web", {
    token: "user",
    body: good,
    headers: { "content-type": "text/plain" },
  });
  assert.equal(response.status, 415);
  assert.equal(await codeOf(response), "unsupported-media-type");
});

test("implement() answers 413 above the limit, announced or not", async () => {
  const { api, ask } = createServer();
  const body = { port: 80, owner: "x".repeat(200) };
  const response = await ask("PUT", "/v1/ports/web", { token: "user", body });
  assert.equal(response.status, 413);
  assert.equal(await codeOf(response), "payload-too-large");
  const stream = new Blob([JSON.stringify(body)]).stream();
  const init: RequestInit & { duplex: "half" } = { method: "PUT", body: stream, duplex: "half" };
  const streamed = new Request("http://ports/v1/ports/web", {
    ...init,
    headers: { authorization: "Bearer user", "content-type": "application/json" },
  });
  assert.equal((await api.app.fetch(streamed)).status, 413);
});

test("implement() takes forms, and refuses a repeated field (RFC 6749 §3.1)", async () => {
  const { api, ask } = createServer();
  const form = endpoint({
    id: "f",
    method: "POST",
    path: "/form",
    summary: "Take a form",
    access: "public",
    requestBody: "form",
    body: z.object({ a: z.string() }),
    answer: z.object({ a: z.string() }),
  });
  api.implement(form, async ({ body }) => body);
  const headers = { "content-type": "application/x-www-form-urlencoded; charset=utf-8" };
  assert.deepEqual(await (await ask("POST", "/form", { body: "a=1%2B", headers })).json(), { a: "1+" });
  assert.equal((await ask("POST", "/form", { body: "a=1&a=2", headers })).status, 400);
});

test("createApi() answers 404 as a problem for what it does not offer", async () => {
  const { ask } = createServer();
  const response = await ask("GET", "/v1/nothing");
  assert.equal(response.status, 404);
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  assert.match(Problem.parse(await response.json()).detail, /ports has no such endpoint/);
});

test("implement() audits changes, their failures and every denial, with the actor", async () => {
  const { api, ask, events } = createServer();
  api.implement(
    endpoint({
      id: "port.delete",
      method: "DELETE",
      path: "/v1/ports/{name}",
      summary: "Delete a port",
      access: ["admin"],
      params: z.object({ name: z.string() }),
    }),
    async ({ params, setResource }) => {
      setResource(`port ${params.name}`);
      throw new PlatformError("conflict", "Cannot delete it");
    },
  );
  await ask("PUT", "/v1/ports/web", { token: "user", body: good, headers: { "x-request-id": "request-1" } });
  await ask("DELETE", "/v1/ports/web", { token: "admin" });
  await ask("DELETE", "/v1/ports/web", { token: "user" });
  await ask("GET", "/v1/ports");
  await ask("GET", "/v1/ports", { token: "user" });
  assert.deepEqual(
    events.map(({ actor, action, resource, outcome, code }) => [actor, action, resource, outcome, code]),
    [
      ["alice", "port.set", "/v1/ports/web", "allowed", null],
      ["root", "port.delete", "port web", "failed", "conflict"],
      ["alice", "port.delete", "/v1/ports/web", "denied", "forbidden"],
      [null, "port.list", "/v1/ports", "denied", "unauthenticated"],
    ],
  );
  assert.deepEqual([events[0]?.requestId, events[0]?.at], ["request-1", "2026-01-01T00:00:00.000Z"]);
});

test("createApi() takes over a sane request id, makes one otherwise, and always gives it back", async () => {
  const { ask } = createServer();
  const idOf = async (offered: string | undefined, path = "/v1/ports") =>
    (await ask("GET", path, { token: "user", headers: offered === undefined ? {} : { "x-request-id": offered } }))
      .headers.get("x-request-id");
  assert.equal(await idOf("from-the-proxy_1"), "from-the-proxy_1");
  for (const offered of [undefined, "short", "with space in it", "x".repeat(65)]) {
    const id = await idOf(offered);
    assert.notEqual(id, offered);
    assert.match(id ?? "", /^[0-9a-f-]{36}$/);
  }
  assert.equal(await idOf("from-the-proxy_2", "/v1/nothing"), "from-the-proxy_2");
});

test("createApi() hides what it does not know and logs it once with the request id", async () => {
  const { api, ask, lines } = createServer();
  api.implement(
    endpoint({ id: "x", method: "GET", path: "/x", summary: "Fail", access: "public" }),
    () => Promise.reject(new TypeError("secret")),
  );
  const response = await ask("GET", "/x", { headers: { "x-request-id": "request-9" } });
  assert.equal(response.status, 500);
  assert.doesNotMatch(await response.text(), /secret/);
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? "", /secret.*request-9|request-9.*secret/);
});

test("createApi() answers 500 when the handler breaks the contract", async () => {
  const { api, ask } = createServer();
  api.implement(
    endpoint({
      id: "x",
      method: "GET",
      path: "/x",
      summary: "Lie",
      access: "public",
      answer: z.object({ n: z.int() }),
    }),
    async () => ({ n: 1.5 }),
  );
  assert.equal((await ask("GET", "/x")).status, 500);
});

test("implement() hands over raw answers, also those with headers that cannot be changed", async () => {
  const { api, ask } = createServer();
  const raw = endpoint({
    id: "x",
    method: "GET",
    path: "/raw",
    summary: "Get it",
    access: "public",
    answerKind: "raw",
  });
  api.implement(raw, async () => Response.redirect("http://elsewhere/", 302));
  const response = await ask("GET", "/raw", { headers: { "x-request-id": "request-7" } });
  assert.deepEqual([response.status, response.headers.get("location"), response.headers.get("x-request-id")], [
    302,
    "http://elsewhere/",
    "request-7",
  ]);
});

test("implement() gives a public endpoint no principal", async () => {
  const { api, ask } = createServer();
  const open = endpoint({
    id: "x",
    method: "GET",
    path: "/open",
    summary: "Open",
    access: "public",
    answer: z.object({ caller: z.boolean(), thrown: z.boolean() }),
  });
  api.implement(open, async (call) => {
    const answer = { caller: call.caller !== undefined, thrown: false };
    assert.throws(() => call.principal, TypeError);
    return { ...answer, thrown: true };
  });
  assert.deepEqual(await (await ask("GET", "/open", { token: "user" })).json(), { caller: false, thrown: true });
});
