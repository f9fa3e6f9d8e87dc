import assert from "node:assert/strict";
import { test } from "node:test";
import { passwordOf, tokenOf } from "../testing/accounts.ts";
import { assertOciError } from "../testing/content.ts";
import { basic, openRegistry } from "../testing/open-registry.ts";

const query = "account=alice&service=mcr&scope=repository:a:pull,push&scope=repository:b:pull";

test("GET /v2/token gives a token for a password, whatever scopes are asked for", async () => {
  await using registry = await openRegistry();
  const response = await registry.request(`/v2/token?${query}`, {
    as: null,
    headers: { authorization: basic("alice", passwordOf("alice")) },
  });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("cache-control"), "no-store");
  const token = tokenOf("alice");
  assert.deepEqual(await response.json(), {
    token,
    access_token: token,
    expires_in: 3600,
    issued_at: "2026-01-01T00:00:00.000Z",
  });
});

test("GET /v2/token takes a token of one's own in the place of the password, also of a node or system account", async () => {
  await using registry = await openRegistry();
  for (const username of ["alice", "rift", "mcp"]) {
    const response = await registry.request("/v2/token", {
      as: null,
      headers: { authorization: basic(username, tokenOf(username)) },
    });
    assert.equal((await response.json()).token, tokenOf(username));
  }
});

const refused = [
  ["nobody", null, 401, "UNAUTHORIZED"],
  ["a bearer token", `Bearer ${tokenOf("alice")}`, 401, "UNAUTHORIZED"],
  ["a wrong password", basic("alice", "wrong"), 401, "UNAUTHORIZED"],
  ["an unknown token", basic("alice", "eyJ0.x.y"), 401, "UNAUTHORIZED"],
  ["the token of somebody else", basic("alice", tokenOf("bob")), 401, "UNAUTHORIZED"],
  ["a token for another service", basic("elsewhere", tokenOf("elsewhere")), 403, "DENIED"],
] as const;

for (const [who, authorization, status, code] of refused) {
  test(`GET /v2/token refuses ${who}`, async () => {
    await using registry = await openRegistry();
    const response = await registry.request("/v2/token", {
      as: null,
      headers: authorization === null ? {} : { authorization },
    });
    if (status === 401) assert.equal(response.headers.get("www-authenticate"), 'Basic realm="mcr"');
    await assertOciError(response, status, code);
  });
}

test("POST /v2/token takes the same as a form", async () => {
  await using registry = await openRegistry();
  const post = (body: string) => registry.request("/v2/token", { as: null, method: "POST", body });
  const good = await post(
    `grant_type=password&username=alice&password=${passwordOf("alice")}&service=mcr&scope=a&scope=b`,
  );
  assert.equal((await good.json()).access_token, tokenOf("alice"));
  await assertOciError(await post("grant_type=refresh_token&refresh_token=x"), 400, "UNSUPPORTED");
  await assertOciError(await post("grant_type=password&username=alice"), 401, "UNAUTHORIZED");
  await assertOciError(await post("x".repeat(16 * 1024 + 1)), 413, "SIZE_INVALID");
});

test("/v2/token answers other methods with those it has", async () => {
  await using registry = await openRegistry();
  const response = await registry.request("/v2/token", { as: null, method: "DELETE" });
  assert.equal(response.headers.get("allow"), "GET, HEAD, POST");
  await assertOciError(response, 405, "UNSUPPORTED");
});

test("a refused login is audited, without the password", async () => {
  await using registry = await openRegistry();
  await registry.request("/v2/token", { as: null, headers: { authorization: basic("alice", "wrong") } });
  const [event] = await registry.audit();
  assert.deepEqual([event?.action, event?.outcome, event?.code], ["token.issue", "denied", "invalid-credentials"]);
  assert.ok(!JSON.stringify(event).includes("wrong"));
});
