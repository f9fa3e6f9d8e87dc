import assert from "node:assert/strict";
import { test } from "node:test";
import { Route } from "#shared/contract/route.ts";
import { createCounterTable } from "./counter-table.ts";
import { createRequestLimiter } from "./request-limiter.ts";

function routeOf(hostname: string, requests?: { count: number; windowSeconds: number }): Route {
  const backends = [{ instance: "one", address: "127.0.0.1", port: 8080 }];
  const limits = requests === undefined ? {} : { limits: { requests } };
  return Route.parse({ hostname, port: 443, mode: "l7", service: "web", component: "site", backends, ...limits });
}

test("LIM7: admit() bounds requests by route and client, and says when to come back", () => {
  let nowMs = 60_000;
  const limiter = createRequestLimiter({ counters: createCounterTable(64), clock: () => nowMs });
  const route = routeOf("a.example", { count: 2, windowSeconds: 10 });
  const answers = [1, 2, 3].map(() => limiter.admit(route, "192.0.2.1"));
  assert.deepEqual(answers, [0, 0, 10]);
  assert.equal(limiter.admit(route, "192.0.2.2"), 0);
  assert.equal(limiter.admit(routeOf("b.example", { count: 2, windowSeconds: 10 }), "192.0.2.1"), 0);
  nowMs += 10_001;
  assert.equal(limiter.admit(route, "192.0.2.1"), 0);
});

test("LIM7: admit() keeps the counts of a route that changed", () => {
  const limiter = createRequestLimiter({ counters: createCounterTable(64), clock: () => 60_000 });
  assert.equal(limiter.admit(routeOf("a.example", { count: 1, windowSeconds: 10 }), "192.0.2.1"), 0);
  assert.notEqual(limiter.admit(routeOf("a.example", { count: 1, windowSeconds: 10 }), "192.0.2.1"), 0);
});

test("LIM7: admit() passes everything on a route without a limit", () => {
  const limiter = createRequestLimiter({ counters: createCounterTable(64) });
  const route = routeOf("a.example");
  for (let index = 0; index < 100; index++) assert.equal(limiter.admit(route, "192.0.2.1"), 0);
});
