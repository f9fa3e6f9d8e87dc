import assert from "node:assert/strict";
import { test } from "node:test";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { passwordOf, testLogin, testValidator, tokenOf } from "../testing/accounts.ts";
import { assertOciError } from "../testing/content.ts";
import { basic, openRegistry } from "../testing/open-registry.ts";

test("GET /v2/ sends a stranger to the token endpoint of the same origin", async () => {
  await using registry = await openRegistry();
  const plain = await registry.request("http://127.0.0.1:5000/v2/", { as: null, headers: { host: "127.0.0.1:5000" } });
  assert.equal(plain.headers.get("www-authenticate"), 'Bearer realm="http://127.0.0.1:5000/v2/token",service="mcr"');
  await assertOciError(plain, 401, "UNAUTHORIZED");
  const proxied = await registry.request("/v2/", {
    as: null,
    headers: { "host": "mcr.example.net:8443", "x-forwarded-proto": "https" },
  });
  assert.equal(
    proxied.headers.get("www-authenticate"),
    'Bearer realm="https://mcr.example.net:8443/v2/token",service="mcr"',
  );
});

test("GET /v2/ sends a stranger to the public URL when there is one", async () => {
  await using registry = await openRegistry({ publicUrl: "https://mcr.public.example" });
  const response = await registry.request("/v2/", { as: null, headers: { host: "127.0.0.1:5000" } });
  assert.match(
    response.headers.get("www-authenticate") ?? "",
    /^Bearer realm="https:\/\/mcr\.public\.example\/v2\/token"/,
  );
});

test("GET /v2/ greets whoever is known, by token or by password", async () => {
  await using registry = await openRegistry();
  for (const as of ["root", "gast", "rift", "mcp"]) {
    const response = await registry.request("/v2/", { as });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("docker-distribution-api-version"), "registry/2.0");
  }
  for (const authorization of [basic("alice", passwordOf("alice")), basic("alice", tokenOf("alice"))]) {
    assert.equal((await registry.request("/v2/", { as: null, headers: { authorization } })).status, 200);
  }
});

const refused = [
  ["an unknown token", "Bearer x.y.z", 401, "UNAUTHORIZED"],
  ["a wrong password", basic("alice", "wrong"), 401, "UNAUTHORIZED"],
  ["another scheme", "Digest x", 401, "UNAUTHORIZED"],
  ["a token for another service", `Bearer ${tokenOf("elsewhere")}`, 403, "DENIED"],
] as const;

for (const [what, authorization, status, code] of refused) {
  test(`GET /v2/ refuses ${what} and audits it`, async () => {
    await using registry = await openRegistry();
    await assertOciError(await registry.request("/v2/", { as: null, headers: { authorization } }), status, code);
    assert.deepEqual((await registry.audit()).map((event) => event.outcome), ["denied"]);
  });
}

test("a stranger gets the same answer for every path", async () => {
  await using registry = await openRegistry();
  for (const path of ["/v2/a/manifests/v1", "/v2/A/manifests/v1", "/v2/nothing", "/v2/a/blobs/sha256:x"]) {
    await assertOciError(await registry.request(path, { as: null }), 401, "UNAUTHORIZED");
  }
  assert.deepEqual(
    await registry.audit(),
    [],
    "a request without credentials is how every client begins, and no denial",
  );
});

test("an expired token is answered with 401, an unreachable MCIAS with 503", async () => {
  for (
    const [code, status, ociCode] of [["token-expired", 401, "UNAUTHORIZED"], ["unavailable", 503, "UNKNOWN"]] as const
  ) {
    const validator = { validateToken: () => Promise.reject(new PlatformError(code, "Cannot use this token: no")) };
    await using registry = await openRegistry({ validator });
    await assertOciError(await registry.request("/v2/"), status, ociCode);
  }
});

test("too many logins are answered with 429 and when to come again", async () => {
  const login = () =>
    Promise.reject(
      new PlatformError("rate-limited", "Cannot log in: too often", { details: { retryAfterSeconds: 7 } }),
    );
  await using registry = await openRegistry({ login });
  const response = await registry.request("/v2/", { as: null, headers: { authorization: basic("alice", "x") } });
  assert.equal(response.headers.get("retry-after"), "7");
  await assertOciError(response, 429, "TOOMANYREQUESTS");
});

test("a login by Basic is remembered for a minute, while its token is validated each time", async () => {
  let [logins, validations] = [0, 0];
  await using registry = await openRegistry({
    login: (username, password) => (logins++, testLogin(username, password)),
    validator: { validateToken: (token) => (validations++, testValidator.validateToken(token)) },
  });
  const ask = () =>
    registry.request("/v2/", { as: null, headers: { authorization: basic("alice", passwordOf("alice")) } });
  for (let round = 0; round < 3; round++) assert.equal((await ask()).status, 200);
  assert.deepEqual([logins, validations], [1, 3]);
  registry.setNow(new Date("2026-01-01T00:01:01Z"));
  assert.equal((await ask()).status, 200);
  assert.equal(logins, 2);
});

test("an unexpected error is hidden from the caller", async () => {
  await using registry = await openRegistry({
    validator: { validateToken: () => Promise.reject(new Error("secret detail")) },
  });
  const response = await registry.request("/v2/");
  assert.equal(response.status, 500);
  assert.ok(!(await response.text()).includes("secret detail"));
});
