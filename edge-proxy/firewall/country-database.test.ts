import assert from "node:assert/strict";
import { copyFile, mkdtemp, readFile, rename, rm, truncate, unlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { openCountryDatabase } from "./country-database.ts";

const data = createRequire(import.meta.url).resolve(
  "@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb",
);

async function openCopy(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), "countries-"));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, "countries.mmdb");
  await copyFile(data, file);
  const messages: string[] = [];
  const note = (message: string) => void messages.push(message);
  const database = await openCountryDatabase({ file, log: { info: note, error: note }, checkMs: 0 });
  t.after(() => database[Symbol.dispose]());
  return { database, file, messages };
}

test("countryOf() gives the country of addresses of both families", async (t) => {
  const { database } = await openCopy(t);
  assert.equal(database.countryOf("193.0.6.139"), "NL");
  assert.equal(database.countryOf("2001:67c:2e8:22::c100:68b"), "NL");
  assert.equal(database.countryOf("127.0.0.1"), undefined);
  assert.equal(database.countryOf("no address"), undefined);
  assert.ok(database.status().builtAt instanceof Date);
});

test("refresh() keeps the old database when the new file is broken, says why, and takes the next sound one", async (t) => {
  const { database, file, messages } = await openCopy(t);
  for (
    const breakIt of [() => truncate(file, 1_000_000), () => writeFile(file, "not a database"), () => unlink(file)]
  ) {
    await breakIt();
    await database.refresh();
    assert.equal(database.countryOf("193.0.6.139"), "NL");
    assert.ok(database.status().problem);
  }
  await copyFile(data, `${file}.new`);
  await rename(`${file}.new`, file);
  await database.refresh();
  assert.equal(database.status().problem, undefined);
  assert.equal(database.countryOf("193.0.6.139"), "NL");
  assert.equal(messages.at(-1), "country database loaded");
});

test("refresh() takes a file that came back as it was", async (t) => {
  const { database, file } = await openCopy(t);
  await rename(file, `${file}.away`);
  await database.refresh();
  assert.match(database.status().problem ?? "", /ENOENT|no such file/i);
  await rename(`${file}.away`, file);
  await database.refresh();
  assert.equal(database.status().problem, undefined);
});

test("refresh() refuses a database whose records lost their end, whatever its metadata says", async (t) => {
  const { database, file } = await openCopy(t);
  const bytes = await readFile(file);
  const marker = bytes.lastIndexOf("\xab\xcd\xefMaxMind.com", undefined, "latin1");
  await writeFile(file, bytes.subarray(marker));
  await database.refresh();
  assert.match(database.status().problem ?? "", /cut off/);
});

test("openCountryDatabase() starts without its file, and uses it when it comes", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "countries-"));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, "countries.mmdb");
  const log = { info: () => {}, error: () => {} };
  using database = await openCountryDatabase({ file, log, checkMs: 0 });
  assert.equal(database.countryOf("193.0.6.139"), undefined);
  assert.ok(database.status().problem);
  await copyFile(data, file);
  await database.refresh();
  assert.equal(database.countryOf("193.0.6.139"), "NL");
});

test("openCountryDatabase() follows its file by itself", { timeout: 20_000 }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "countries-"));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, "countries.mmdb");
  const { promise, resolve } = Promise.withResolvers<void>();
  using database = await openCountryDatabase({ file, log: { info: () => resolve(), error: () => {} }, checkMs: 20 });
  // The timer alone keeps no process alive, so something else has to.
  const alive = setInterval(() => {}, 1000);
  t.after(() => clearInterval(alive));
  await copyFile(data, `${file}.new`);
  await rename(`${file}.new`, file);
  await promise;
  assert.equal(database.countryOf("193.0.6.139"), "NL");
});
