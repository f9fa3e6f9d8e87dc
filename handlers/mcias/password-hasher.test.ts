import assert from "node:assert/strict";
import { test } from "node:test";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { createPasswordHasher } from "./password-hasher.ts";

const parameters = { memoryKib: 64, passes: 1, lanes: 1 };

test("createPasswordHasher() hashes with OWASP's argon2id parameters unless told otherwise", async () => {
  const hasher = await createPasswordHasher();
  const passwordHash = await hasher.hash("correct horse");
  assert.match(passwordHash, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  assert.equal(await hasher.verify(passwordHash, "correct horse"), true);
  assert.equal(await hasher.verify(passwordHash, "wrong horse"), false);
  assert.equal(hasher.isOutdated(passwordHash), false);
});

test("createPasswordHasher() says no without a hash, whatever the password", async () => {
  const hasher = await createPasswordHasher({ parameters });
  assert.equal(await hasher.verify(undefined, "nobody"), false);
});

test("createPasswordHasher() takes the same characters however they were typed", async () => {
  const hasher = await createPasswordHasher({ parameters });
  assert.equal(await hasher.verify(await hasher.hash("caf\u00e9 au lait"), "cafe\u0301 au lait"), true);
});

test("createPasswordHasher() refuses callers beyond those that may wait", async () => {
  const hasher = await createPasswordHasher({ parameters, concurrency: 1, maxWaiting: 2 });
  const results = await Promise.allSettled(Array.from({ length: 5 }, () => hasher.hash("x")));
  assert.deepEqual(results.map((result) => result.status), [
    "fulfilled",
    "fulfilled",
    "fulfilled",
    "rejected",
    "rejected",
  ]);
  const [last] = results.slice(-1);
  assert.ok(last?.status === "rejected" && last.reason instanceof PlatformError && last.reason.code === "rate-limited");
  assert.match(await hasher.hash("x"), /argon2id/);
});
