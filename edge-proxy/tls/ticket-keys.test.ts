import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { createTemporaryFolder } from "#shared/store/temporary-folder.ts";
import { createTicketKeys, loadTicketSecret } from "./ticket-keys.ts";

const secret = Buffer.alloc(32, 7);
const hourMs = 3_600_000;

test("X8: createTicketKeys() gives 48 bytes that are the same in every worker and after a restart", () => {
  const [one, other] = [createTicketKeys({ secret, now: () => 0 }), createTicketKeys({ secret, now: () => 0 })];
  assert.equal(one.keyOf("a.test").length, 48);
  assert.deepEqual(one.keyOf("a.test"), other.keyOf("a.test"));
});

test("X8: createTicketKeys() gives each name and each secret another key", () => {
  const keys = createTicketKeys({ secret, now: () => 0 });
  const stranger = createTicketKeys({ secret: Buffer.alloc(32, 8), now: () => 0 });
  assert.notDeepEqual(keys.keyOf("a.test"), keys.keyOf("b.test"));
  assert.notDeepEqual(keys.keyOf("a.test"), stranger.keyOf("a.test"));
});

test("X8: createTicketKeys() rotates within a day", () => {
  let nowMs = 0;
  const keys = createTicketKeys({ secret, now: () => nowMs });
  const [firstEpoch, first] = [keys.epoch(), keys.keyOf("a.test")];
  nowMs = 12 * hourMs - 1;
  assert.equal(keys.epoch(), firstEpoch);
  assert.deepEqual(keys.keyOf("a.test"), first);
  nowMs = 12 * hourMs;
  assert.notEqual(keys.epoch(), firstEpoch);
  assert.notDeepEqual(keys.keyOf("a.test"), first);
});

test("createTicketKeys() refuses epochs above a day and short secrets", () => {
  for (const epochMs of [0, -1, 24 * hourMs + 1, Number.NaN]) {
    assert.throws(() => createTicketKeys({ secret, epochMs }), RangeError);
  }
  assert.throws(() => createTicketKeys({ secret: Buffer.alloc(31) }), RangeError);
});

test("X8: loadTicketSecret() keeps one secret with mode 0600 and replaces a damaged one", async () => {
  await using folder = await createTemporaryFolder();
  const path = join(folder.path, "ticket.secret");
  const first = await loadTicketSecret(path);
  assert.equal(first.length, 32);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.deepEqual(await loadTicketSecret(path), first);
  await writeFile(path, "short");
  const second = await loadTicketSecret(path);
  assert.notDeepEqual(second, first);
  assert.deepEqual(await readFile(path), Buffer.from(second));
});
