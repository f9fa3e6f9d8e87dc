import assert from "node:assert/strict";
import { test } from "node:test";
import { answerHealth } from "./health.ts";

test("answerHealth() answers 200 when every probe passes, and when there is none", async () => {
  const response = await answerHealth({ database: async () => 1, disk: () => undefined });
  assert.equal(response.status, 200);
  assert.deepEqual(await response.json(), { status: "ok", checks: { database: "ok", disk: "ok" } });
  assert.equal((await answerHealth({})).status, 200);
});

test("answerHealth() answers 503 with the reason of each probe that fails", async () => {
  const response = await answerHealth({
    database: () => Promise.reject(new Error("cannot open", { cause: new Error("disk full") })),
    disk: () => {
      throw new Error("read-only");
    },
    queue: () => {},
  });
  assert.equal(response.status, 503);
  assert.equal(response.headers.get("cache-control"), "no-store");
  assert.deepEqual(await response.json(), {
    status: "failing",
    checks: { database: "cannot open: disk full", disk: "read-only", queue: "ok" },
  });
});
