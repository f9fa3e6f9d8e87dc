import assert from "node:assert/strict";
import { test } from "node:test";
import { array, assert as check, boolean, constantFrom, property, record } from "fast-check";
import type { Route } from "#shared/contract/route.ts";
import { createRouteTable, type RouteChanges, routeKey } from "./routes.ts";

function route(hostname: string, port: number, mode: Route["mode"] = "l4"): Route {
  const backends = [{ instance: `${hostname}-${port}`, address: "127.0.0.1", port: 20_000 }];
  return { hostname, port, mode, service: "web", component: "web", backends };
}

const main = { port: 9000, aliasPorts: [443, 8443] };
const whole = (set: readonly Route[] = []): RouteChanges => ({ isWhole: true, set, removed: [] });

function tableOf(...routes: Route[]) {
  return tableOfAll(routes);
}

function tableOfAll(routes: readonly Route[]) {
  const table = createRouteTable(main);
  table.apply(whole(routes));
  return table;
}

test("createRouteTable() ends alias ports at the main listener, and others at their own", () => {
  const table = tableOf(route("a.test", 443), route("b.test", 9443, "l7"));
  assert.equal(table.find(9000, "a.test")?.port, 443);
  assert.equal(table.find(9443, "b.test")?.port, 9443);
  assert.equal(table.find(9000, "b.test"), undefined);
  assert.equal(table.find(9443, "a.test"), undefined);
  assert.deepEqual([...table.extraPorts], [9443]);
  assert.deepEqual([...table.tlsNames], ["b.test"]);
  assert.deepEqual([...table.instances], ["a.test-443", "b.test-9443"]);
});

test("createRouteTable() prefers the main port, then alias order", () => {
  const both = [route("a.test", 8443), route("a.test", 443)];
  assert.equal(tableOf(...both).find(9000, "a.test")?.port, 443);
  assert.equal(tableOf(...both, route("a.test", 9000)).find(9000, "a.test")?.port, 9000);
});

test("createRouteTable() takes a wildcard for exactly one label, after exact names", () => {
  const table = tableOf(route("*.example.org", 443), route("a.example.org", 443, "l7"), route("b.example.org", 9443));
  assert.equal(table.find(9000, "a.example.org")?.mode, "l7");
  assert.equal(table.find(9000, "x.example.org")?.hostname, "*.example.org");
  assert.equal(table.find(9000, "b.example.org")?.hostname, "*.example.org", "the exact name is at another listener");
  for (const name of ["example.org", "x.y.example.org", ".example.org", "*", "", "org", "x.example.org."]) {
    assert.equal(table.find(9000, name), undefined, name);
  }
});

test("createRouteTable() changes what a step names, and nothing else", () => {
  const [a, b, c] = [route("a.test", 443), route("b.test", 443, "l7"), route("c.test", 9443)];
  const table = tableOf(a, b, c);
  const changed = { ...b, mode: "l4" as const };
  const before = table.versions;
  assert.deepEqual(table.apply({ isWhole: false, set: [changed], removed: ["c.test:9443", "unknown:1"] }), {
    changed: [changed],
    gone: ["c.test:9443"],
  });
  assert.equal(table.find(9000, "a.test"), a);
  assert.equal(table.find(9000, "b.test"), changed);
  assert.equal(table.find(9443, "c.test"), undefined);
  assert.deepEqual([table.extraPorts.size, table.tlsNames.size, table.instances.size, table.size], [0, 0, 2, 2]);
  assert.notDeepEqual(table.versions, before);
  const calm = table.versions;
  table.apply({ isWhole: false, set: [{ ...a }], removed: [] });
  assert.deepEqual(table.versions, calm);
});

test("createRouteTable() keeps static routes, and names both sides of a conflict", () => {
  const own = { ...route("a.test", 443, "l7"), service: "mcp", component: "api" };
  const table = createRouteTable(main, [own]);
  table.apply(whole([route("a.test", 443), route("a.test", 8443), route("a.test", 9443), route("b.test", 443)]));
  assert.equal(table.find(9000, "a.test")?.service, "mcp");
  assert.equal(table.find(9000, "a.test")?.origin, "static");
  assert.equal(table.find(9443, "a.test")?.port, 9443, "another listener is no conflict");
  assert.deepEqual([...table.conflicts.keys()], ["a.test:443", "a.test:8443"]);
  assert.equal(
    table.conflicts.get("a.test:8443"),
    'Cannot serve the stored route "a.test:8443" of web/web: the static route "a.test:443" of mcp/api in the proxy\'s ' +
      "configuration has its place, expected one of them to be removed",
  );
  table.apply({ isWhole: false, set: [], removed: ["a.test:443"] });
  assert.equal(table.find(9000, "a.test")?.service, "mcp");
  table.apply(whole());
  assert.equal(table.conflicts.size, 0);
  assert.equal(table.size, 1);
});

test("createRouteTable() does not believe a stored route that it is static", () => {
  const table = tableOf({ ...route("a.test", 443), origin: "static" });
  table.apply(whole());
  assert.equal(table.size, 0);
});

test("createRouteTable() is the same by steps as at once", () => {
  const hosts = constantFrom("a.test", "*.test", "b.a.test");
  const ports = constantFrom(443, 8443, 9000, 9443);
  const steps = array(record({ hostname: hosts, port: ports, isL7: boolean(), isGone: boolean() }), { maxLength: 30 });
  check(property(steps, (list) => {
    const stepwise = createRouteTable(main);
    const wanted = new Map<string, Route>();
    for (const { hostname, port, isL7, isGone } of list) {
      const each = route(hostname, port, isL7 ? "l7" : "l4");
      if (isGone) wanted.delete(routeKey(each));
      else wanted.set(routeKey(each), each);
      stepwise.apply({ isWhole: false, set: isGone ? [] : [each], removed: isGone ? [routeKey(each)] : [] });
    }
    const atOnce = tableOf(...wanted.values());
    for (const name of ["a.test", "b.a.test", "c.test", "test"]) {
      for (const port of [9000, 9443, 443]) assert.equal(stepwise.find(port, name), atOnce.find(port, name));
    }
    for (const set of ["extraPorts", "tlsNames", "instances", "backendKeys"] as const) {
      assert.deepEqual([...stepwise[set]].map(String).sort(), [...atOnce[set]].map(String).sort());
    }
  }));
});

/** Fewest nanoseconds of a lookup in several rounds: noise only adds. */
function lookupNs(count: number): number {
  const table = tableOfAll(Array.from({ length: count }, (_, index) => route(`name-${index}.example.org`, 443)));
  const names = Array.from({ length: 1_000 }, (_, index) => `name-${(index * 7919) % count}.example.org`);
  let best = Infinity;
  for (let round = 0; round < 20; round += 1) {
    const startMs = performance.now();
    for (const name of names) assert.ok(table.find(9000, name) !== undefined);
    best = Math.min(best, (performance.now() - startMs) * 1_000);
  }
  return best;
}

test("createRouteTable() looks up as fast among 100,000 routes as among 10, and changes one as fast", () => {
  lookupNs(10);
  const [few, many] = [lookupNs(10), lookupNs(100_000)];
  // A scan would be ten thousand times slower; memory that is not in the cache may cost some.
  assert.ok(many < few * 12 + 500, `${many} ns against ${few} ns`);
  const table = tableOfAll(Array.from({ length: 100_000 }, (_, index) => route(`name-${index}.example.org`, 443)));
  const startMs = performance.now();
  for (let index = 0; index < 1_000; index += 1) {
    table.apply({ isWhole: false, set: [route(`name-${index}.example.org`, 443, "l7")], removed: [] });
  }
  const changeMs = (performance.now() - startMs) / 1_000;
  assert.ok(changeMs < 1, `${changeMs} ms a change`);
});
