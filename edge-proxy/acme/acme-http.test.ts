import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRetryAfter } from "./acme-http.ts";

test("parseRetryAfter() reads seconds and dates, with a day as the longest wait and a minute for nonsense", () => {
  const nowMs = Date.parse("Tue, 24 Nov 2026 10:00:00 GMT");
  assert.equal(parseRetryAfter("120", nowMs), 120_000);
  assert.equal(parseRetryAfter("Tue, 24 Nov 2026 10:05:00 GMT", nowMs), 300_000);
  assert.equal(parseRetryAfter("999999", nowMs), 86_400_000);
  for (const nonsense of ["", "0", "-5", "soon", "1e99", "Tue, 24 Nov 2026 09:00:00 GMT"]) {
    assert.equal(parseRetryAfter(nonsense, nowMs), 60_000, nonsense);
  }
});
