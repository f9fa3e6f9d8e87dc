import assert from "node:assert/strict";
import { test } from "node:test";
import type { Route } from "#shared/contract/route.ts";
import { createRouteTable } from "./routes.ts";

function route(hostname: string, port: number, mode: Route["mode"] = "l4"): Route {
  const backends = [{ instance: `${hostname}-${port}`, address: "127.0.0.1", port: 20_000 }];
  return { hostname, port, mode, service: "web", component: "web", backends };
}

const main = { port: 9000, aliasPorts: [443, 8443] };

test("createRouteTable() ends alias ports at the main listener, and others at their own", () => {
  const table = createRouteTable([route("a.test", 443), route("b.test", 9443, "l7")], main);
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
  assert.equal(createRouteTable(both, main).find(9000, "a.test")?.port, 443);
  assert.equal(createRouteTable([...both, route("a.test", 9000)], main).find(9000, "a.test")?.port, 9000);
});
