import assert from "node:assert/strict";
import { test } from "node:test";
import { code, codes, page, table } from "./markdown.ts";

test("table() gives one line a row and lets no cell end its row", () => {
  assert.equal(table(["A", "B"], [["x|y", "one\n  two"]]), "| A | B |\n| --- | --- |\n| x\\|y | one two |\n");
});

test("code() and codes() fence what is between them", () => {
  assert.equal(code("a"), "`a`");
  assert.equal(code("a`b"), "``a`b``");
  assert.equal(codes(["a", "b"]), "`a`, `b`");
  assert.equal(codes([]), "");
});

test("page() puts one empty line between parts and leaves empty ones out", () => {
  assert.equal(page("# T\n", "", "text\n\n"), "# T\n\ntext\n");
});
