import assert from "node:assert/strict";
import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import { createLog } from "#shared/log/log.ts";
import { createTemporaryFolder } from "#shared/store/temporary-folder.ts";
import { createTestAuthority, type Validity } from "../testing/test-authority.ts";
import { type SuppliedFiles, watchSuppliedCertificates } from "./supplied-certificates.ts";

const authority = await createTestAuthority();
const dayMs = 86_400_000;

async function openSupplied(options: { files?: Partial<SuppliedFiles>; pollMs?: number } = {}) {
  const folder = await createTemporaryFolder();
  const [chainFile, keyFile] = [join(folder.path, "site.pem"), join(folder.path, "site.key")];
  const lines: string[] = [];
  const clock = { ms: Date.now() };
  const supply = async (name: string, validity?: Validity) => {
    const { chainPem, keyPem } = await authority.issue(name, validity);
    await writeFile(`${keyFile}.new`, keyPem);
    await rename(`${keyFile}.new`, keyFile);
    await writeFile(chainFile, chainPem);
  };
  const open = (files = options.files) =>
    watchSuppliedCertificates({
      pairs: [{ chainFile, keyFile, ...files }],
      rootsPem: () => Promise.resolve(authority.rootPem),
      pollMs: options.pollMs ?? 600_000,
      now: () => new Date(clock.ms),
      log: createLog({ system: "proxy", level: "debug", write: (line) => void lines.push(line) }),
    });
  return { folder, chainFile, keyFile, lines, clock, supply, open };
}

const until = <T>(probe: () => T | undefined) =>
  waitUntil(probe, { action: "see it", timeoutMs: 20_000, intervalMs: 5 });

test("a supplied pair is found by the names in it, wildcards for one label", async () => {
  const site = await openSupplied();
  await using _folder = site.folder;
  await site.supply("a.test", { alsoFor: ["*.w.test"] });
  await using supplied = await site.open();
  for (const name of ["a.test", "b.w.test", "*.w.test"]) {
    assert.ok(supplied.find(name)?.certificate !== undefined, name);
  }
  for (const name of ["b.test", "w.test", "c.b.w.test"]) assert.equal(supplied.find(name), undefined, name);
});

test("a renewed file is picked up, by the system's notice or by polling", async () => {
  for (const pollMs of [600_000, 10]) {
    const site = await openSupplied({ pollMs });
    await using _folder = site.folder;
    await site.supply("a.test");
    await using supplied = await site.open();
    let changes = 0;
    supplied.subscribe(() => changes += 1);
    const before = supplied.find("a.test")?.certificate?.serialNumber;
    await site.supply("a.test");
    await until(() => supplied.find("a.test")?.certificate?.serialNumber !== before || undefined);
    assert.ok(changes > 0);
    assert.equal(supplied.find("a.test")?.problem, undefined);
  }
});

test("X7: a pair that must not be used is refused with the reason, and the old one stays", async () => {
  const site = await openSupplied();
  await using _folder = site.folder;
  await site.supply("a.test");
  await using supplied = await site.open();
  const before = supplied.find("a.test")?.certificate?.serialNumber;
  const refuse = async (reason: RegExp) => {
    const problem = await until(() => {
      const found = supplied.find("a.test")?.problem;
      return found !== undefined && reason.test(found) ? found : undefined;
    });
    assert.match(problem, reason);
    assert.equal(supplied.find("a.test")?.certificate?.serialNumber, before);
  };
  const other = await authority.issue("a.test");
  await writeFile(site.chainFile, other.chainPem);
  await refuse(/the private key belongs to another certificate/);
  await writeFile(site.keyFile, other.keyPem);
  await writeFile(site.chainFile, other.chainPem.split(/(?<=-----END CERTIFICATE-----\n)/)[0] ?? "");
  await refuse(/the leaf stands alone/);
  await rm(site.chainFile);
  await refuse(/Cannot read .*ENOENT/);
  await writeFile(site.chainFile, "garbage");
  await refuse(/it does not parse/);
  await site.supply("a.test");
  await until(() => supplied.find("a.test")?.problem === undefined || undefined);
  assert.notEqual(supplied.find("a.test")?.certificate?.serialNumber, before);
});

test("configured names must all be in the certificate, and have a problem until there is one", async () => {
  const site = await openSupplied({ files: { hostnames: ["a.test", "b.test"] } });
  await using _folder = site.folder;
  await site.supply("a.test");
  await using supplied = await site.open();
  assert.match(supplied.find("b.test")?.problem ?? "", /Cannot use the certificate of "b.test": it is for DNS:a\.test/);
  assert.equal(supplied.find("a.test")?.certificate, undefined);
});

test("a certificate that becomes valid, or expires, does so without a change of its files", async () => {
  const site = await openSupplied({ pollMs: 5, files: { hostnames: ["a.test"] } });
  await using _folder = site.folder;
  await site.supply("a.test", {
    notBefore: new Date(site.clock.ms + dayMs),
    notAfter: new Date(site.clock.ms + 2 * dayMs),
  });
  await using supplied = await site.open();
  assert.match(supplied.find("a.test")?.problem ?? "", /valid from/);
  site.clock.ms += 1.5 * dayMs;
  await until(() => supplied.find("a.test")?.certificate);
  site.clock.ms += dayMs;
  const problem = await until(() => supplied.find("a.test")?.problem);
  assert.match(problem, /expired at/);
  assert.equal(supplied.find("a.test")?.certificate, undefined);
});

test("the log warns 30, 14 and 3 days before a supplied certificate expires, once each", async () => {
  const site = await openSupplied({ pollMs: 2 });
  await using _folder = site.folder;
  await site.supply("a.test", { notAfter: new Date(site.clock.ms + 60 * dayMs) });
  await using _supplied = await site.open();
  const warnings = () => site.lines.filter((line) => line.includes("expires soon")).length;
  assert.equal(warnings(), 0);
  for (const [index, days] of [31, 47, 58].entries()) {
    site.clock.ms = Date.now() + days * dayMs;
    await until(() => warnings() > index || undefined);
  }
  assert.equal(warnings(), 3);
});

test("X7: a pair of another CA needs that CA's root in roots_file", async () => {
  const other = await createTestAuthority();
  const { chainPem, keyPem } = await other.issue("a.test");
  for (const isNamed of [true, false]) {
    const site = await openSupplied();
    await using _folder = site.folder;
    await writeFile(site.chainFile, chainPem);
    await writeFile(site.keyFile, keyPem);
    const rootsFile = join(site.folder.path, "roots.pem");
    await writeFile(rootsFile, other.rootPem);
    const files = { hostnames: ["a.test"], ...(isNamed ? { rootsFile } : {}) };
    await using supplied = await site.open(files);
    const { certificate, problem } = supplied.find("a.test") ?? {};
    assert.equal(certificate !== undefined, isNamed);
    assert.match(problem ?? "", isNamed ? /^$/ : /does not lead to a known root/);
  }
});
