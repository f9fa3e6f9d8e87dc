import assert from "node:assert/strict";
import { readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { createTemporaryFolder } from "#shared/store/temporary-folder.ts";
import { createCertificateFiles } from "./certificate-files.ts";

test("save() keeps a pair with mode 0600, candidates() finds it, remove() leaves nothing", async () => {
  await using folder = await createTemporaryFolder();
  const files = createCertificateFiles(folder.path);
  await files.save("a.test", { chainPem: "chain", keyPem: "key" });
  assert.deepEqual(await files.candidates("a.test"), [{ chainPem: "chain", keyPem: "key" }]);
  for (const name of ["a.test.pem", "a.test.key"]) {
    assert.equal((await stat(join(folder.path, name))).mode & 0o777, 0o600);
  }
  await files.remove("a.test");
  await files.remove("a.test");
  assert.deepEqual(await readdir(folder.path), []);
});

test("candidates() offers the new key first when a crash came between the two renames", async () => {
  await using folder = await createTemporaryFolder();
  const files = createCertificateFiles(folder.path);
  await files.save("a.test", { chainPem: "new chain", keyPem: "old key" });
  await writeFile(join(folder.path, "a.test.key.new"), "new key");
  assert.deepEqual((await files.candidates("a.test")).map(({ keyPem }) => keyPem), ["new key", "old key"]);
});
