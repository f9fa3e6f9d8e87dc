import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { test } from "node:test";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import { createLog } from "#shared/log/log.ts";
import { createTemporaryFolder } from "#shared/store/temporary-folder.ts";
import { createTestAuthority } from "../testing/test-authority.ts";
import { createCertificateFiles } from "./certificate-files.ts";
import { type CertificateKeeperOptions, createCertificateKeeper } from "./certificate-keeper.ts";
import type { ServedCertificate } from "./certificate-source.ts";
import type { CheckedCertificate } from "./check-certificate.ts";
import type { SuppliedState } from "./supplied-certificates.ts";

const authority = await createTestAuthority();
const hourMs = 3_600_000;
const a = new Set(["a.test"]);

/** A keeper whose clock is moved by hand. */
async function openKeeper(options: Partial<CertificateKeeperOptions> = {}) {
  const folder = await createTemporaryFolder();
  const served = new Map<string, CheckedCertificate>();
  const lines: string[] = [];
  const changed: string[] = [];
  const clock = { ms: Date.now(), reads: 0 };
  const keeper = createCertificateKeeper({
    source: authority,
    files: createCertificateFiles(folder.path),
    rootsPem: () => Promise.resolve(authority.rootPem),
    onCertificate(hostname, certificate) {
      if (certificate === undefined) served.delete(hostname);
      else served.set(hostname, certificate);
    },
    onChange: (hostname) => void changed.push(hostname),
    now() {
      clock.reads += 1;
      return new Date(clock.ms);
    },
    log: createLog({ system: "proxy", level: "debug", write: (line) => void lines.push(line) }),
    retry: { minMs: 5, maxMs: 20 },
    checkEveryMs: 5,
    ...options,
  });
  const until = <T>(probe: () => T | undefined) =>
    waitUntil(probe, { action: "see it", timeoutMs: 20_000, intervalMs: 5 });
  const live = (hostname: string): ServedCertificate | undefined => {
    const state = keeper.state(hostname);
    return typeof state === "object" && !("problem" in state) ? state : undefined;
  };
  return {
    folder: folder.path,
    keeper,
    served,
    lines,
    changed,
    clock,
    live,
    until,
    /** Resolves when the keeper has looked at the clock several times. */
    async looked() {
      const reads = clock.reads + 10;
      await until(() => clock.reads > reads || undefined);
    },
    async [Symbol.asyncDispose]() {
      await keeper.stop();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test("a certificate is renewed at two thirds of its life, not before", async () => {
  let issued = 0;
  await using test = await openKeeper({
    source: { obtain: (_name, csr) => (issued += 1, authority.sign(csr)) },
  });
  test.keeper.want(a);
  const first = await test.until(() => test.live("a.test"));
  assert.equal(first.origin, "platform");
  // A day and an hour, of which an hour has passed.
  test.clock.ms = first.notBefore.getTime() + 25 * hourMs * 0.56;
  await test.looked();
  assert.equal(issued, 1);
  test.clock.ms = first.notBefore.getTime() + 25 * hourMs * 0.67;
  const second = await test.until(() =>
    test.served.get("a.test")?.serialNumber === first.serialNumber ? undefined : test.live("a.test")
  );
  assert.notEqual(second.serialNumber, first.serialNumber);
});

test("a name that is not wanted any more has no key on the node", async () => {
  await using test = await openKeeper();
  test.keeper.want(new Set(["a.test", "b.test"]));
  await test.until(() => test.served.size === 2 || undefined);
  assert.equal((await readdir(test.folder)).length, 4);
  test.keeper.want(new Set(["b.test"]));
  assert.equal(test.served.has("a.test"), false);
  const files = await waitUntil(async () => {
    const names = await readdir(test.folder);
    return names.length === 2 ? names : undefined;
  }, { action: "see the pair of a.test go", timeoutMs: 20_000, intervalMs: 5 });
  assert.deepEqual(files.sort(), ["b.test.key", "b.test.pem"]);
});

test("X7: the old certificate stays when the new one is refused, with the reason, until it expires", async () => {
  const stranger = await createTestAuthority();
  let isGood = true;
  let notAfter = new Date(Date.now() + 24 * hourMs);
  const refusedAfter = new Date(Date.now() + 96 * hourMs);
  await using test = await openKeeper({
    source: {
      obtain: (_name, csr) =>
        isGood ? authority.sign(csr, { notAfter }) : stranger.sign(csr, { notAfter: refusedAfter }),
    },
  });
  test.keeper.want(a);
  const first = await test.until(() => test.live("a.test"));
  isGood = false;
  test.clock.ms = first.notAfter.getTime() - hourMs;
  const late = await test.until(() => test.live("a.test")?.renewalProblem);
  assert.match(late, /does not lead to a known root/);
  assert.equal(test.served.get("a.test")?.serialNumber, first.serialNumber);
  test.clock.ms = first.notAfter.getTime();
  const state = await test.until(() => {
    const now = test.keeper.state("a.test");
    return typeof now === "object" && "problem" in now ? now : undefined;
  });
  // Told with the expiry, and again by each try after it.
  assert.match(state.problem, /does not lead to a known root/);
  assert.equal(test.served.has("a.test"), false);
  isGood = true;
  notAfter = new Date(test.clock.ms + hourMs);
  await test.until(() => {
    // Past the wait for the next try, whenever that begins.
    test.clock.ms += 20;
    return test.served.get("a.test");
  });
});

test("tries are no more frequent than the source asks for", async () => {
  let tries = 0;
  const details = { retryAfterMs: 7_200_000 };
  await using test = await openKeeper({
    source: {
      obtain() {
        tries += 1;
        return Promise.reject(new PlatformError("rate-limited", "Cannot do it now", { details }));
      },
    },
  });
  test.keeper.want(a);
  await test.until(() => tries > 0 || undefined);
  test.clock.ms += 7_199_000;
  await test.looked();
  assert.equal(tries, 1);
  test.clock.ms += 2_000;
  await test.until(() => tries > 1 || undefined);
});

test("no more certificates are asked for at once than the source allows", async () => {
  let running = 0;
  let most = 0;
  await using test = await openKeeper({
    source: {
      parallel: 3,
      async obtain(_name, csr) {
        most = Math.max(most, running += 1);
        const chain = await authority.sign(csr);
        running -= 1;
        return chain;
      },
    },
  });
  test.keeper.want(new Set(Array.from({ length: 20 }, (_, index) => `n${index}.test`)));
  await test.until(() => test.served.size === 20 || undefined);
  assert.ok(most <= 3, `${most}`);
});

test("a name that wants a public certificate has a problem without a source of them, and gets one with", async () => {
  await using without = await openKeeper();
  without.keeper.want(a, a);
  assert.deepEqual(without.keeper.state("a.test"), {
    problem: "the route wants a public certificate, expected [acme] in the configuration",
  });
  const publicCa = await createTestAuthority();
  const acme = { ...publicCa, rootsPem: () => Promise.resolve(publicCa.rootPem) };
  await using test = await openKeeper({ acme });
  test.keeper.want(a);
  const before = await test.until(() => test.live("a.test"));
  test.keeper.want(a, a);
  assert.equal(test.served.get("a.test")?.serialNumber, before.serialNumber, "served until the other one is there");
  const after = await test.until(() => test.live("a.test"));
  assert.equal(after.origin, "acme");
  assert.notEqual(test.served.get("a.test")?.chainPem, before.chainPem);
});

test("a supplied certificate comes before any other, and what replaces it badly is told", async () => {
  const listeners: (() => void)[] = [];
  const now = new Date();
  const material = await authority.issue("a.test");
  const certificate: CheckedCertificate = {
    ...material,
    notBefore: now,
    notAfter: new Date(now.getTime() + hourMs),
    serialNumber: "01",
  };
  let found: SuppliedState | undefined = { certificate };
  await using test = await openKeeper({
    supplied: {
      find: () => found,
      subscribe: (listener) => void listeners.push(listener),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    },
  });
  test.keeper.want(a);
  assert.equal(test.live("a.test")?.origin, "supplied");
  found = { certificate, problem: "it does not parse" };
  for (const listener of listeners) listener();
  assert.equal(test.live("a.test")?.renewalProblem, "it does not parse");
  assert.deepEqual(test.changed, ["a.test", "a.test"]);
  assert.equal(test.served.get("a.test")?.serialNumber, "01");
  found = undefined;
  for (const listener of listeners) listener();
  const state = await test.until(() => test.live("a.test"));
  assert.equal(state.origin, "platform");
});
