import assert from "node:assert/strict";
import { test } from "node:test";
import { ProxyReport } from "#shared/contract/state.ts";
import type { Route } from "#shared/contract/route.ts";
import { reportDetails } from "./report-details.ts";
import { createRouteTable } from "./routes.ts";

const route = (hostname: string): Route => ({
  hostname,
  port: 443,
  mode: "l7",
  service: "web",
  component: "web",
  backends: [{ instance: "web-1", address: "127.0.0.1", port: 1 }],
});

test("reportDetails() says what people ask a proxy for, within the contract", () => {
  const table = createRouteTable({ port: 443, aliasPorts: [] }, [route("fixed.test")]);
  table.apply({ isWhole: true, set: [route("a.test"), route("b.test")], removed: [] });
  const details = reportDetails({
    plane: { ports: () => [443, 9443], workers: () => 2, table },
    address: "::1",
    certificate: (hostname) => hostname === "b.test" ? { problem: "sealed" } : "pending",
    firewallRevision: 7,
    facts: {
      openConnections: 3,
      instancesAside: {},
      attachments: [],
      firewallHits: [
        { rule: "address:192.0.2.1", refused: 1, shadowed: 0 },
        { rule: "address:192.0.2.0/24", refused: 2, shadowed: 5 },
        { rule: "country:XX", refused: 1, shadowed: 0 },
        { rule: "limit:connection-rate", refused: 1, shadowed: 0 },
        { rule: "limit:total-connections", refused: 4, shadowed: 0 },
      ],
    },
  });
  ProxyReport.parse({ appliedRevision: 1, problems: {}, draining: {}, ...details });
  assert.deepEqual(details.listeners, ["[::1]:443", "[::1]:9443"]);
  assert.deepEqual(details.staticRoutes?.map(({ hostname }) => hostname), ["fixed.test"]);
  assert.deepEqual(details.certificates?.[0], { hostname: "b.test", source: "platform", problem: "sealed" });
  assert.deepEqual(details.firewallHits, {
    refused: { "blocked-address": 3, "blocked-country": 1, "connection-limit": 1, "connection-cap": 4 },
    shadowed: { "blocked-address": 5 },
  });
});

test("reportDetails() keeps a report of very many certificates small, problems first", () => {
  const table = createRouteTable({ port: 443, aliasPorts: [] });
  table.apply({
    isWhole: true,
    set: Array.from({ length: 3_000 }, (_, index) => route(`n${index}.test`)),
    removed: [],
  });
  const { certificates = [] } = reportDetails({
    plane: { ports: () => [], workers: () => 1, table },
    address: "127.0.0.1",
    certificate: (hostname) => hostname === "n2999.test" ? { problem: "sealed" } : "pending",
    firewallRevision: undefined,
    facts: undefined,
  });
  assert.equal(certificates.length, 1_000);
  assert.equal(certificates[0]?.hostname, "n2999.test");
});
