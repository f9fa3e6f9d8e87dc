import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import type { Fetch } from "../contract/client.ts";
import { createPrincipal, hasCode } from "../contract/testing.ts";
import { PlatformError } from "../errors/platform-error.ts";
import { toProblemResponse } from "../errors/problem.ts";
import { createAuthenticator } from "./authenticator.ts";

const startMs = Date.parse("2026-01-01T00:00:00Z");
const refuse = () => Response.json({ valid: false });
const accept = () => Response.json({ valid: true, principal: createPrincipal() });

/** An authenticator with a clock to move and an MCIAS whose answers can be exchanged. */
function create(answer: Fetch = accept, audience?: string) {
  const world = { nowMs: startMs, asked: 0, answer };
  const authenticator = createAuthenticator({
    baseUrl: "http://mcias",
    now: () => new Date(world.nowMs),
    fetch: (request) => {
      world.asked++;
      return world.answer(request);
    },
    ...(audience === undefined ? {} : { audience }),
  });
  return { world, authenticator, validate: (token = "token") => authenticator.validateToken(token) };
}

test("validateToken() believes MCIAS for 30 s", async () => {
  const { world, validate } = create();
  assert.equal((await validate()).username, "alice");
  world.nowMs += 29_999;
  await validate();
  assert.equal(world.asked, 1);
  world.nowMs += 1;
  await validate();
  assert.equal(world.asked, 2);
});

test("validateToken() asks once however many wait", async () => {
  const gate = Promise.withResolvers<void>();
  const { world, validate } = create(async () => {
    await gate.promise;
    return accept();
  });
  const all = Array.from({ length: 1_000 }, () => validate());
  gate.resolve();
  const names = (await Promise.all(all)).map(({ username }) => username);
  assert.equal(names.length, 1_000);
  assert.equal(world.asked, 1);
});

test("validateToken() keeps tokens apart", async () => {
  const Body = z.object({ token: z.string() });
  const { world, validate } = create(async (request) =>
    Response.json({ valid: true, principal: createPrincipal({ username: Body.parse(await request.json()).token }) })
  );
  const names = await Promise.all([validate("alice"), validate("bob"), validate("alice")]);
  assert.deepEqual(names.map(({ username }) => username), ["alice", "bob", "alice"]);
  assert.equal(world.asked, 2);
});

test("validateToken() does not believe a token beyond its end", async () => {
  const expiresAt = new Date(startMs + 5_000).toISOString();
  const { world, validate } = create(() => Response.json({ valid: true, principal: createPrincipal({ expiresAt }) }));
  await validate();
  world.nowMs += 5_000;
  world.answer = refuse;
  await assert.rejects(validate(), hasCode("unauthenticated"));
});

test("validateToken() sees a revocation once the 30 s are over", async () => {
  const { world, validate } = create();
  await validate();
  world.answer = refuse;
  await validate();
  world.nowMs += 30_000;
  await assert.rejects(validate(), hasCode("unauthenticated"));
});

test("validateToken() believes a refusal for 5 s", async () => {
  const { world, validate } = create(refuse);
  await assert.rejects(validate(), hasCode("unauthenticated"));
  world.answer = accept;
  world.nowMs += 4_999;
  await assert.rejects(validate(), hasCode("unauthenticated"));
  assert.equal(world.asked, 1);
  world.nowMs += 1;
  await validate();
});

test("validateToken() refuses another audience as forbidden", async () => {
  const { validate } = create(accept, "wiki");
  await assert.rejects(validate(), hasCode("forbidden"));
});

test("validateToken() says unavailable, not unauthenticated, while MCIAS is down, and recovers at once", async () => {
  const { world, validate } = create(() => Promise.reject(new TypeError("connection refused")));
  await assert.rejects(validate(), hasCode("unavailable"));
  world.answer = accept;
  assert.equal((await validate()).username, "alice");
});

test("validateToken() lets known tokens live out their time while MCIAS is down", async () => {
  const { world, validate } = create();
  await validate("known");
  world.answer = () => Promise.reject(new TypeError("connection refused"));
  world.nowMs += 29_000;
  assert.equal((await validate("known")).username, "alice");
  await assert.rejects(validate("new"), hasCode("unavailable"));
  world.nowMs += 2_000;
  await assert.rejects(validate("known"), hasCode("unavailable"));
});

test("login() exchanges a password for a token, or says why not", async () => {
  const bodies: unknown[] = [];
  const { world, authenticator } = create(async (request) => {
    bodies.push(await request.json());
    return Response.json({ token: "t", expiresAt: "2026-01-01T01:00:00Z" });
  });
  const credentials = { username: "alice", password: "secret" };
  assert.equal((await authenticator.login({ ...credentials, serviceName: "wiki" })).token, "t");
  assert.deepEqual(bodies, [{ ...credentials, serviceName: "wiki" }]);
  world.answer = () => toProblemResponse(new PlatformError("invalid-credentials", "Cannot log in"));
  await assert.rejects(authenticator.login(credentials), hasCode("invalid-credentials"));
});
