import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { promisify } from "node:util";
import type { ZoneState } from "#shared/contract/state.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { appendFeed, feedMigration } from "#shared/feed/feed-store.ts";
import { createFeedHub } from "#shared/feed/feed-hub.ts";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import { silentLog } from "#shared/log/log.ts";
import { openTemporaryDatabase } from "#shared/store/temporary-database.ts";
import type { DnsConfig } from "./config.ts";
import { parseEndpointAddress } from "./forward/endpoint-address.ts";
import { type RunningDns, startDns } from "./start.ts";
import { exampleZoneState } from "./testing/example-zone.ts";
import { buildQuery, readReply, type TestReply } from "./testing/messages.ts";

const controlPlane = { mcnsUrl: "http://mcns.test", mciasUrl: "http://mcias.test", identityPath: "unused" };

async function setUp(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), "dns-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const config: DnsConfig = {
    listen: [{ address: "127.0.0.1", port: 0 }],
    adminListen: { host: "127.0.0.1", port: 0 },
    statePath: join(folder, "zones.cbor"),
    upstreams: [],
    allowForward: [],
    controlPlane,
  };
  return config;
}

/** A control plane with nothing but the zones' feed. */
async function startFeed(t: TestContext) {
  const database = await openTemporaryDatabase([feedMigration]);
  const hub = createFeedHub(database);
  t.after(async () => {
    await hub[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });
  return {
    publish: (key: string, value?: ZoneState) => hub.transaction((tx) => appendFeed(tx, "zones", [{ key, value }])),
    fetch(request: Request) {
      const url = new URL(request.url);
      assert.deepEqual([url.pathname, request.headers.get("authorization")], ["/v1/feed/zones/stream", "Bearer t"]);
      return hub.answerStream("zones", Number(url.searchParams.get("since")), request);
    },
  };
}

const deps = { log: silentLog, token: () => Promise.resolve("t") };
const isDown = () => Promise.reject(new PlatformError("unavailable", "Cannot reach the control plane: it is down"));

async function ask(dns: RunningDns, name: string): Promise<TestReply> {
  const { address, port } = parseEndpointAddress(dns.ready.dns[0] ?? "");
  const socket = createSocket("udp4");
  try {
    const reply = once(socket, "message");
    socket.send(buildQuery({ name }), port, address);
    const [bytes] = await reply;
    return readReply(bytes);
  } finally {
    socket.close();
  }
}

const untilAnswered = (dns: RunningDns, name: string, rcode: string) =>
  waitUntil(async () => ((await ask(dns, name)).rcode === rcode ? true : undefined), {
    action: `see ${rcode}`,
    timeoutMs: 5_000,
    intervalMs: 5,
  });

test(
  "startDns() follows the feed, and answers from its file with the control plane down",
  { timeout: 30_000 },
  async (t) => {
    const config = await setUp(t);
    const feed = await startFeed(t);
    await feed.publish("ex.test", exampleZoneState());
    {
      await using dns = await startDns(config, { ...deps, fetch: feed.fetch });
      await untilAnswered(dns, "www.ex.test", "NOERROR");
      await feed.publish(
        "ex.test",
        exampleZoneState({
          serial: 8,
          records: [{ name: "new.ex.test", type: "A", value: "192.0.2.3", ttlSeconds: 5 }],
        }),
      );
      await untilAnswered(dns, "new.ex.test", "NOERROR");
      await feed.publish("more.test", exampleZoneState({ name: "more.test", records: [] }));
      await untilAnswered(dns, "nothing.more.test", "NXDOMAIN");
      await feed.publish("more.test");
      await untilAnswered(dns, "nothing.more.test", "REFUSED");
    }
    await using dns = await startDns(config, { ...deps, fetch: isDown });
    assert.deepEqual((await ask(dns, "new.ex.test")).answers, ["new.ex.test 5 A 192.0.2.3"]);
    assert.equal((await fetch(`${dns.ready.admin}/healthz`)).status, 200);
  },
);

test("startDns() serves without a control plane, and stops", { timeout: 30_000 }, async (t) => {
  const { controlPlane: _unused, ...config } = await setUp(t);
  const dns = await startDns(config, { log: silentLog });
  assert.equal((await ask(dns, "www.ex.test")).rcode, "REFUSED");
  assert.equal((await fetch(`${dns.ready.admin}/healthz`)).status, 503);
  await dns[Symbol.asyncDispose]();
});

test("startDns() frees what it opened when a later step fails", { timeout: 30_000 }, async (t) => {
  const config = await setUp(t);
  await using first = await startDns(config, { ...deps, fetch: isDown });
  const taken = Number(new URL(first.ready.admin ?? "").port);
  const isUnavailable = (error: unknown) => error instanceof PlatformError && error.code === "unavailable";
  await assert.rejects(
    startDns({ ...config, adminListen: { host: "127.0.0.1", port: taken } }, { ...deps, fetch: isDown }),
    isUnavailable,
  );
  await assert.rejects(
    startDns({ ...config, allowForward: ["nowhere"] }, deps),
    (error: unknown) => error instanceof PlatformError && error.code === "invalid-config",
  );
});

test("startDns() forwards through another server of the platform", { timeout: 30_000 }, async (t) => {
  const config = await setUp(t);
  const feed = await startFeed(t);
  await feed.publish(
    "example.org",
    exampleZoneState({
      name: "example.org",
      records: [{ name: "a.example.org", type: "A", value: "192.0.2.4", ttlSeconds: 60 }],
    }),
  );
  await using upstream = await startDns(config, { ...deps, fetch: feed.fetch });
  await untilAnswered(upstream, "a.example.org", "NOERROR");
  const upstreams = upstream.ready.dns.map((text) => parseEndpointAddress(text));
  const other = await setUp(t);
  await using dns = await startDns({ ...other, upstreams, allowForward: ["127.0.0.0/8"] }, { ...deps, fetch: isDown });
  const reply = await ask(dns, "a.example.org");
  assert.deepEqual([reply.flags, reply.answers], ["rd ra", ["a.example.org 60 A 192.0.2.4"]]);
  assert.equal((await ask(dns, "b.example.org")).rcode, "NXDOMAIN");
});

test("startDns() satisfies dig over UDP and TCP", { timeout: 60_000 }, async (t) => {
  const run = promisify(execFile);
  const hasDig = await run("dig", ["-v"]).then(() => true, () => false);
  if (!hasDig) return t.skip("dig is not installed (Debian package bind9-dnsutils)");
  const config = await setUp(t);
  const feed = await startFeed(t);
  await feed.publish("ex.test", exampleZoneState());
  await using dns = await startDns(config, { ...deps, fetch: feed.fetch });
  await untilAnswered(dns, "www.ex.test", "NOERROR");
  const { port } = parseEndpointAddress(dns.ready.dns[0] ?? "");
  const dig = async (...args: string[]) =>
    (await run("dig", ["-p", String(port), "@127.0.0.1", "+tries=1", "+time=5", ...args])).stdout;
  for (const transport of ["+notcp", "+tcp"]) {
    assert.equal(await dig(transport, "+short", "wWw.ex.test", "A"), "192.0.2.1\n");
    assert.equal(
      await dig(transport, "+short", "alias.ex.test", "AAAA"),
      "chain.ex.test.\nwww.ex.test.\n2001:db8::1\n".replace("chain", "Chain"),
    );
    assert.match(await dig(transport, "no.ex.test"), /status: NXDOMAIN/);
    assert.match(await dig(transport, "ent.ex.test"), /status: NOERROR[^]*AUTHORITY: 1/);
    assert.match(await dig(transport, "+edns=1", "+noednsneg", "www.ex.test"), /status: BADVERS/);
  }
  assert.match(await dig("+short", "ex.test", "SOA"), /^ns1\.ex\.test\. hostmaster\.ex\.test\. 7 3600 600 86400 60\n$/);
  assert.match(await dig("+cookie", "+nsid", "+dnssec", "www.ex.test"), /EDNS: version: 0, flags: do; udp: 1232/);
});
