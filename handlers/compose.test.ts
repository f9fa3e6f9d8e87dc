import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { composeSystems, contracts, ownedPaths, type SystemFetch } from "./compose.ts";
import { createHttpMetrics } from "./http-metrics.ts";
import { createPathTable, type SystemName, systemNames } from "./path-table.ts";

const echo = (name: string): SystemFetch => (request) =>
  Response.json({ system: name, path: new URL(request.url).pathname });

function compose(options: { only?: readonly SystemName[]; probes?: Record<string, () => unknown> } = {}) {
  const names = options.only ?? systemNames;
  return composeSystems({
    domain: "mcp.localhost",
    systems: new Map(names.map((name): [SystemName, SystemFetch] => [name, echo(name)])),
    peers: { mcias: "https://mcias.example.net" },
    probes: options.probes ?? { mcp: () => 1 },
    metrics: createHttpMetrics(),
    version: "1.2.3",
  });
}

async function systemAt(url: string): Promise<unknown> {
  const response = await compose().request(url);
  return response.ok ? z.object({ system: z.string() }).parse(await response.json()).system : response.status;
}

test("ownedPaths gives each path of each contract to one system, and nothing below /v2 to others", () => {
  const ownerOf = createPathTable(ownedPaths);
  for (const [name, contract] of Object.entries(contracts)) {
    for (const { path } of Object.values(contract)) {
      assert.equal(ownerOf(path.replaceAll(/\{[^}]*\}/g, "some-value")), name, path);
    }
  }
  assert.equal(ownerOf("/v2/a/b/manifests/v1"), "mcr");
  assert.equal(ownerOf("/v1/images"), "mcr");
});

test("ownedPaths are disjoint: no template of one system can match a path of another", () => {
  const claims = systemNames.flatMap((name) => [
    ...ownedPaths[name].templates.map((path) => ({ name, path, isPrefix: false })),
    ...ownedPaths[name].prefixes.map((path) => ({ name, path, isPrefix: true })),
  ]);
  for (const a of claims) {
    for (const b of claims) {
      if (a.name !== b.name) assert.ok(!overlap(a, b), `${a.name} ${a.path} overlaps ${b.name} ${b.path}`);
    }
  }
});

interface Claim {
  readonly path: string;
  readonly isPrefix: boolean;
}

function overlap(a: Claim, b: Claim): boolean {
  const [left, right] = [a.path.split("/"), b.path.split("/")];
  const length = Math.min(left.length, right.length);
  const meet = Array.from({ length }, (_, index) => [left[index] ?? "", right[index] ?? ""]).every(([x = "", y = ""]) =>
    x === y || x.startsWith("{") || y.startsWith("{")
  );
  const sameLength = left.length === right.length;
  return meet &&
    (sameLength || (a.isPrefix && right.length > left.length) || (b.isPrefix && left.length > right.length));
}

test("createPathTable() refuses a path with two owners", () => {
  const paths = { templates: ["/v1/x/{a}"], prefixes: [] };
  const same = { templates: ["/v1/x/{b}"], prefixes: [] };
  assert.throws(() => createPathTable({ one: paths, two: same }), TypeError);
});

test("composeSystems() offers all systems on any other host", async () => {
  for (const origin of ["http://127.0.0.1:8440", "http://localhost", "http://[::1]:1"]) {
    assert.equal(await systemAt(`${origin}/v2/`), "mcr");
    assert.equal(await systemAt(`${origin}/v1/services`), "mcp");
    assert.equal(await systemAt(`${origin}/v1/feed/zones/stream`), "mcns");
    assert.equal(await systemAt(`${origin}/v1/feed/revocations`), "mcias");
    assert.equal(await systemAt(`${origin}/v1/feed/node/rift`), "mcp");
    assert.equal(await systemAt(`${origin}/v1/pki/ca`), "metacrypt");
    assert.equal(await systemAt(`${origin}/v1/audit/mcr`), "mcr");
    assert.equal(await systemAt(`${origin}/nothing`), 404);
  }
});

test("composeSystems() narrows a system's host to that system", async () => {
  assert.equal(await systemAt("https://mcias.svc.mcp.localhost:8443/v1/whoami"), "mcias");
  assert.equal(await systemAt("https://mcr.svc.mcp.localhost/v1/whoami"), "mcr");
  assert.equal(await systemAt("https://unknown.svc.mcp.localhost/v1/whoami"), "mcias");
});

test("composeSystems() says where a system is that it does not run", async () => {
  const response = await compose({ only: ["mcr"] }).request("http://127.0.0.1/v1/whoami");
  assert.equal(response.status, 404);
  assert.match(await response.text(), /https:\/\/mcias\.example\.net/);
  assert.equal((await compose({ only: ["mcr"] }).request("http://127.0.0.1/v1/services")).status, 404);
});

test("composeSystems() serves an OpenAPI document with every endpoint", async () => {
  const response = await compose().request("http://127.0.0.1/openapi.json");
  const document = z.object({ openapi: z.string(), paths: z.record(z.string(), z.unknown()) }).parse(
    await response.json(),
  );
  assert.equal(document.openapi, "3.1.0");
  for (const contract of Object.values(contracts)) {
    for (const { path } of Object.values(contract)) assert.ok(path in document.paths, path);
  }
});

test("composeSystems() answers health with each probe", async () => {
  assert.equal((await compose().request("http://127.0.0.1/healthz")).status, 200);
  const failing = await compose({ probes: { mcp: () => Promise.reject(new Error("disk is gone")) } }).request(
    "http://x/healthz",
  );
  assert.equal(failing.status, 503);
  assert.match(await failing.text(), /disk is gone/);
});

test("composeSystems() counts requests by system and status, and hides the numbers from the proxy's hosts", async () => {
  const app = compose();
  await app.request("http://127.0.0.1/v1/services");
  const text = await (await app.request("http://127.0.0.1/metrics")).text();
  assert.match(text, /metacircular_http_requests_total\{system="mcp",status="200"\} 1/);
  assert.match(text, /process_resident_memory_bytes \d+/);
  assert.equal((await app.request("https://mcp.svc.mcp.localhost/metrics")).status, 404);
});
