import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import type { Route } from "#shared/contract/route.ts";
import { emptyDigest, mixDigest } from "#shared/feed/frame.ts";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import { createTemporaryFolder } from "#shared/store/temporary-folder.ts";
import { encodeCbor, encodeFrame } from "#shared/wire/cbor.ts";
import { followRoutes } from "../follow-feeds.ts";
import { backendAt, openTestProxy, routeTo, type TestProxy } from "../testing/open-test-proxy.ts";
import { targetOf } from "../testing/target-of.ts";
import { startHttpBackend } from "../testing/test-backend.ts";
import { ask } from "../testing/test-client.ts";
import { createKeptLog } from "../testing/when-idle.ts";

const timeout = 60_000;

/** A folder that stops taking files, and takes them again. */
interface Disk extends AsyncDisposable {
  readonly folder: string;
  fail(): Promise<void>;
  recover(): Promise<void>;
}

/** A folder in whose place there is a file for a while: whatever is written there fails, for root too. */
async function openLosableFolder(): Promise<Disk> {
  const temporary = await createTemporaryFolder();
  const folder = join(temporary.path, "state");
  await mkdir(folder);
  return {
    folder,
    async fail() {
      await rename(folder, `${folder}.away`);
      await writeFile(folder, "");
    },
    async recover() {
      await rm(folder);
      await rename(`${folder}.away`, folder);
    },
    [Symbol.asyncDispose]: () => temporary[Symbol.asyncDispose](),
  };
}

/** A file system of 256 KiB, which a file fills. */
async function openSmallDisk(): Promise<Disk> {
  const temporary = await createTemporaryFolder();
  const folder = temporary.path;
  assert.equal(spawnSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", folder]).status, 0);
  const filler = join(folder, "filler");
  return {
    folder,
    fail: () => assert.rejects(writeFile(filler, "x".repeat(1 << 20)), { code: "ENOSPC" }),
    recover: () => rm(filler),
    async [Symbol.asyncDispose]() {
      spawnSync("umount", ["-l", folder]);
      await temporary[Symbol.asyncDispose]();
    },
  };
}

async function whyNoMount(): Promise<string | false> {
  if (process.getuid?.() !== 0) return "only root can mount a small file system";
  await using temporary = await createTemporaryFolder();
  const { status } = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", temporary.path]);
  if (status === 0) spawnSync("umount", [temporary.path]);
  return status === 0 ? false : "no file system can be mounted here";
}

const disks: readonly [string, () => Promise<Disk>, string | false, RegExp][] = [
  ["cannot be written", openLosableFolder, false, /ENOTDIR|EEXIST|not a directory|exists/i],
  ["is full", openSmallDisk, await whyNoMount(), /ENOSPC|no space/i],
];

async function assertServes(fixture: TestProxy, hostname: string): Promise<void> {
  assert.equal((await ask(targetOf(fixture, hostname))).body, "ok", hostname);
}

for (const [what, open, skip, reason] of disks) {
  test(`certificates on a disk that ${what}: old and new ones serve, and the new one is kept as soon as it can be`, {
    timeout,
    skip,
  }, async () => {
    const kept = createKeptLog();
    await using backend = await startHttpBackend((_request, response) => void response.end("ok"));
    await using disk = await open();
    await using fixture = await openTestProxy({ folder: disk.folder, log: kept.log });
    const [old, late] = ["old.test", "late.test"].map((name) => routeTo(name, "l7", backendAt(backend.port)));
    assert.ok(old && late);
    await fixture.serve(old);
    await disk.fail();
    await fixture.serve(old, late);
    await assertServes(fixture, "old.test");
    await assertServes(fixture, "late.test");
    assert.match(kept.warnings().join("\n"), reason);
    await disk.recover();
    const isKept = async () => (await readdir(disk.folder)).some((name) => name.startsWith("late.test")) || undefined;
    await waitUntil(isKept, { action: "see the certificate kept", timeoutMs: 20_000 });
  });

  test(`routes on a disk that ${what}: the last ones serve, new ones wait, and the log says why`, {
    timeout,
    skip,
  }, async () => {
    const kept = createKeptLog();
    await using backend = await startHttpBackend((_request, response) => void response.end("ok"));
    await using disk = await open();
    await using fixture = await openTestProxy({ log: kept.log });
    const feed = createFeed();
    const stop = new AbortController();
    feed.publish(routeTo("old.test", "l7", backendAt(backend.port)));
    const { done } = await followRoutes(fixture.proxy, {
      config: { folder: disk.folder },
      controlPlane: {
        openRoutes: feed.open,
        openFirewall: feed.open,
        report: () => Promise.resolve(),
        certificates: fixture.authority,
      },
      log: kept.log,
      signal: stop.signal,
    });
    const isServed = (name: string) => () => assertServes(fixture, name).then(() => true, () => undefined);
    await waitUntil(isServed("old.test"), { action: "see the first route", timeoutMs: 20_000 });
    await disk.fail();
    feed.publish(
      routeTo("old.test", "l7", backendAt(backend.port)),
      // More than what is left of any block.
      ...Array.from({ length: 200 }, (_none, index) => routeTo(`late${index}.test`, "l4", backendAt(backend.port))),
      routeTo("late.test", "l7", backendAt(backend.port)),
    );
    const isSaid = () => kept.warnings().some((line) => reason.test(line)) || undefined;
    await waitUntil(isSaid, { action: "see the reason in the log", timeoutMs: 20_000 });
    await assertServes(fixture, "old.test");
    await disk.recover();
    await waitUntil(isServed("late.test"), { action: "see the new route", timeoutMs: 20_000 });
    stop.abort();
    await done;
    assert.deepEqual(kept.errors(), []);
  });
}

/** A feed that sends the whole state to who opens it, and ends when there is another one. */
function createFeed() {
  let frame: Uint8Array = new Uint8Array();
  let revision = 0;
  let changed = new AbortController();
  return {
    publish(...routes: Route[]) {
      const entries = routes.map((route): [string, Uint8Array] => [`${route.hostname}:443`, encodeCbor(route)]);
      const digest = entries.reduce((sum, [key, value]) => mixDigest(sum, key, value), emptyDigest());
      revision += 1;
      frame = encodeFrame({ kind: "snapshot", revision, digest, entries });
      changed.abort();
      changed = new AbortController();
    },
    open(_since: number, signal: AbortSignal): Promise<Response> {
      const bytes = frame;
      const over = AbortSignal.any([signal, changed.signal]);
      const body = new ReadableStream<Uint8Array>({
        async start(controller) {
          controller.enqueue(bytes);
          if (!over.aborted) await once(over, "abort");
          controller.close();
        },
      });
      return Promise.resolve(new Response(body));
    },
  };
}
