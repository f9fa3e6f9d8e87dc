import assert from "node:assert/strict";
import { test } from "node:test";
import type { PlatformError } from "#shared/errors/platform-error.ts";
import { cutPage, formatNextLink, maxPageEntries, parsePage } from "./page.ts";

test("parsePage() reads n and last, and bounds n", () => {
  assert.deepEqual(parsePage(new URLSearchParams("n=5&last=v1")), { entries: 5, after: "v1" });
  assert.deepEqual(parsePage(new URLSearchParams("last=v1")), { entries: maxPageEntries, after: "v1" });
  assert.deepEqual(parsePage(new URLSearchParams("n=999999")), { entries: maxPageEntries, after: "" });
});

test("parsePage() refuses an n that is not a whole number from 0", () => {
  for (const n of ["", "-1", "1.5", "x", "1e3"]) {
    assert.throws(
      () => parsePage(new URLSearchParams({ n })),
      (error: PlatformError) => error.details["ociCode"] === "PAGINATION_NUMBER_INVALID",
      n,
    );
  }
});

test("cutPage() tells whether more follows, and never for an empty page", () => {
  assert.deepEqual(cutPage([1, 2, 3], { entries: 2, after: "" }), { rows: [1, 2], hasMore: true });
  assert.deepEqual(cutPage([1, 2], { entries: 2, after: "" }), { rows: [1, 2], hasMore: false });
  assert.deepEqual(cutPage([1], { entries: 0, after: "" }), { rows: [], hasMore: false });
});

test("formatNextLink() escapes what it links to", () => {
  assert.equal(
    formatNextLink("/v2/a/tags/list", { n: "1", last: "a&b" }),
    '</v2/a/tags/list?n=1&last=a%26b>; rel="next"',
  );
});
