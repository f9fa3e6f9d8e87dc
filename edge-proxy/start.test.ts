import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Fetch } from "#shared/contract/client.ts";
import { ProxyReport } from "#shared/contract/state.ts";
import { emptyDigest, mixDigest } from "#shared/feed/frame.ts";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import { silentLog } from "#shared/log/log.ts";
import { encodeCbor, encodeFrame } from "#shared/wire/cbor.ts";
import type { ProxyConfig } from "./config.ts";
import { startProxy } from "./start.ts";
import { backendAt, routeTo } from "./testing/open-test-proxy.ts";
import { createTestAuthority } from "./testing/test-authority.ts";
import { startHttpBackend } from "./testing/test-backend.ts";
import { ask } from "./testing/test-client.ts";

test(
  "startProxy() serves what the control plane says, and the same after a restart without it",
  { timeout: 30_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "edge-proxy-"));
    const authority = await createTestAuthority();
    await using backend = await startHttpBackend((_request, response) => void response.end("ok"));
    const value = encodeCbor(routeTo("a.test", "l7", backendAt(backend.port)));
    const digest = mixDigest(emptyDigest(), "a.test:443", value);
    const frame = encodeFrame({ kind: "snapshot", revision: 7, digest, entries: [["a.test:443", value]] });
    const reports: unknown[] = [];
    const fetch: Fetch = async (request) => {
      const { pathname, searchParams } = new URL(request.url);
      assert.equal(request.headers.get("authorization"), "Bearer token");
      if (pathname.startsWith("/v1/feed/")) {
        assert.equal(searchParams.get("node"), "edge");
        const body = new ReadableStream<Uint8Array>({
          start(controller) {
            if (pathname === "/v1/feed/routes/stream") controller.enqueue(frame);
            request.signal.addEventListener("abort", () => controller.error(new Error("aborted")));
          },
        });
        return new Response(body);
      }
      if (pathname === "/v1/proxies/edge/report") {
        reports.push(await request.json());
        return new Response(null, { status: 204 });
      }
      assert.equal(pathname, "/v1/pki/sign");
      const chainPem = await authority.sign(JSON.parse(await request.text()).csrPem);
      return Response.json({ chainPem, serialNumber: "01", notAfter: new Date().toISOString() });
    };
    await writeFile(join(folder, "root.pem"), authority.rootPem);
    const config: ProxyConfig = {
      node: "edge",
      folder,
      address: "127.0.0.1",
      port: 0,
      aliasPorts: [443],
      adminListen: { host: "127.0.0.1", port: 0 },
      rootFile: join(folder, "root.pem"),
      limits: { drainMs: 1_000 },
      controlPlane: {
        mcpUrl: "http://mcp",
        metacryptUrl: "http://metacrypt",
        mciasUrl: "http://mcias",
        identityPath: "none",
      },
    };
    const token = () => Promise.resolve("token");
    const assertServes = async (port: number) => {
      const answer = await ask({ port, rootPem: authority.rootPem, hostname: "a.test" });
      assert.deepEqual([answer.status, answer.body], [200, "ok"]);
    };
    try {
      {
        await using running = await startProxy(config, { log: silentLog, fetch, token });
        const isReported = () =>
          reports.map((report) => ProxyReport.parse(report)).some(({ appliedRevision, problems, certificates }) =>
            appliedRevision === 7 && Object.keys(problems).length === 0 && certificates?.[0]?.hostname === "a.test"
          ) || undefined;
        await waitUntil(isReported, { action: "see the report", timeoutMs: 10_000 });
        await assertServes(running.ready.proxy.port);
        await assertAdmin(running.ready.admin ?? "");
      }
      const down: Fetch = () => Promise.reject(new TypeError("connection refused"));
      await using restarted = await startProxy(config, { log: silentLog, fetch: down, token });
      const isUp = () => assertServes(restarted.ready.proxy.port).then(() => true, () => undefined);
      await waitUntil(isUp, { action: "see the kept route serve", timeoutMs: 5_000 });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
);

async function assertAdmin(url: string): Promise<void> {
  const get = async (path: string) => await fetch(url + path);
  assert.equal((await get("/healthz")).status, 200);
  const metrics = await (await get("/metrics")).text();
  assert.match(metrics, /mc_proxy_requests_total\{route="a\.test:443",status="200"\} 1/);
  assert.match(metrics, /mc_proxy_certificate_expiry_seconds\{hostname="a\.test"\} \d+/);
  const { routes, appliedRevision } = await (await get("/v1/routes")).json();
  assert.deepEqual([routes.length, appliedRevision], [1, 7]);
  const { certificates } = await (await get("/v1/certificates")).json();
  assert.deepEqual([certificates[0].hostname, certificates[0].state], ["a.test", "live"]);
  assert.equal((await get("/nothing")).status, 404);
}
