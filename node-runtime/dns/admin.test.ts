import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLog } from "#shared/log/log.ts";
import { createAdmin } from "./admin.ts";
import { createForwarder } from "./forward/forwarder.ts";
import { createDnsMetrics } from "./server/metrics.ts";
import { exampleZones } from "./testing/example-zone.ts";
import { upstreamReply } from "./testing/upstream.ts";
import { nameFromText, toNameKey } from "./wire/name.ts";
import { createZoneTable } from "./zones/zone-table.ts";

function setUp(withForwarder = true) {
  const zones = createZoneTable();
  const forwarder = createForwarder({
    upstreams: [{ address: "192.0.2.1", port: 53 }],
    exchange: () => Promise.resolve(upstreamReply({ answers: [["a.example", 60, "A", "192.0.2.9"]] })),
    log: silentLog,
    nowMs: () => 0,
  });
  const admin = createAdmin({
    zones,
    forwarder: withForwarder ? forwarder : undefined,
    metrics: createDnsMetrics(),
    revision: () => 5,
  });
  const get = async (path: string, method = "GET") =>
    await admin.fetch(new Request(`http://localhost${path}`, { method }));
  const explain = async (query: string): Promise<Record<string, unknown>> =>
    Object(await (await get(`/v1/explain?${query}`)).json());
  return { zones, forwarder, get, explain };
}

test("createAdmin() is healthy once there are zones", async () => {
  const { zones, get } = setUp();
  assert.equal((await get("/healthz")).status, 503);
  zones.replace(exampleZones());
  assert.equal((await get("/healthz")).status, 200);
});

test("createAdmin() lists zones and metrics", async () => {
  const { zones, get } = setUp();
  zones.replace(exampleZones());
  assert.deepEqual(await (await get("/v1/zones")).json(), {
    revision: 5,
    zones: [{ name: "ex.test", serial: 7, names: 20, records: 19 }],
  });
  const metrics = await get("/metrics");
  assert.match(metrics.headers.get("content-type") ?? "", /^text\/plain/);
  assert.match(await metrics.text(), /dns_replies_total/);
});

test("createAdmin() explains where an answer comes from", async () => {
  const { zones, forwarder, explain } = setUp();
  zones.replace(exampleZones());
  const own = await explain("name=Alias.ex.test&type=a");
  assert.deepEqual([own["source"], own["zone"], own["serial"], own["rcode"]], ["zone", "ex.test", 7, "NOERROR"]);
  assert.equal(Array.isArray(own["answers"]) ? own["answers"].length : 0, 3);
  assert.equal((await explain("name=localhost"))["source"], "local");
  assert.deepEqual((await explain("name=a.example"))["upstreams"], ["192.0.2.1:53"]);
  await forwarder.resolve({ key: toNameKey(nameFromText("a.example")), type: 1 }, {
    id: 1,
    flags: 0,
    question: undefined,
    edns: undefined,
  });
  assert.deepEqual(
    [(await explain("name=a.example"))["source"], (await explain("name=a.example&type=AAAA"))["source"]],
    ["cache", "upstream"],
  );
  assert.equal((await setUp(false).explain("name=a.example"))["source"], "refused");
});

test("createAdmin() answers problem documents for bad questions and unknown paths", async () => {
  const { get } = setUp();
  for (const path of ["/v1/explain", "/v1/explain?name=a&type=NOPE", "/v1/explain?name=a..b"]) {
    assert.equal((await get(path)).status, 400, path);
  }
  const missing = await get("/nothing");
  assert.deepEqual([missing.status, missing.headers.get("content-type")], [404, "application/problem+json"]);
  assert.equal((await get("/healthz", "POST")).status, 404);
});
