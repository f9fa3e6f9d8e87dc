import assert from "node:assert/strict";
import { test } from "node:test";
import { formatAgo, formatElapsed } from "./ago.ts";
import { didYouMean, editDistance } from "./did-you-mean.ts";
import { createProgress } from "./progress.ts";
import { printable } from "./style.ts";
import { formatTable } from "./table.ts";

test("formatTable() aligns columns and leaves no blanks at the ends", () => {
  const rows = [{ name: "a", note: "x" }, { name: "longer", note: "" }];
  const columns = [{ heading: "NAME", cell: (row: typeof rows[0]) => row.name }, {
    heading: "NOTE",
    cell: (row: typeof rows[0]) => row.note,
  }];
  assert.equal(formatTable(rows, columns, (text) => text), "NAME    NOTE\na       x\nlonger\n");
});

test("printable() takes the power over the terminal from text of others", () => {
  assert.equal(printable("a\u001b[31mred\u001b[0m\u001b]0;title\u0007\rb\tc\u0000"), "aredb\tc");
});

test("formatAgo() uses the largest unit that fits", () => {
  const now = new Date("2026-01-02T00:00:00Z");
  const cases = [["2026-01-01T23:59:48Z", "12s"], ["2026-01-01T23:55:00Z", "5m"], ["2026-01-01T21:00:00Z", "3h"], [
    "2025-12-30T00:00:00Z",
    "3d",
  ], ["2027-01-01T00:00:00Z", "0s"]] as const;
  for (const [moment, expected] of cases) assert.equal(formatAgo(moment, now), expected);
  for (const unknown of [null, undefined, "soon"]) assert.equal(formatAgo(unknown, now), "-");
});

test("formatElapsed() is short", () => {
  assert.deepEqual([850, 1234, 185_000].map(formatElapsed), ["850 ms", "1.2 s", "3 m 05 s"]);
});

test("didYouMean() suggests only what is close", () => {
  assert.equal(editDistance("kitten", "sitting"), 3);
  assert.equal(didYouMean("imagee", ["image", "name"]), 'did you mean "image"? ');
  assert.equal(didYouMean("zzz", ["image", "name"]), "");
});

test("createProgress() draws a spinner on a terminal only, and clears it", () => {
  const write = (isTTY: boolean, env: Record<string, string>, json = false) => {
    let written = "";
    const stderr = { isTTY, columns: 20, write: (text: string) => void (written += text) };
    {
      using progress = createProgress({ env, json, stderr });
      progress.step("a step whose text is longer than the terminal is wide");
      progress.line("done");
    }
    return written;
  };
  assert.equal(write(false, {}), "done\n");
  assert.equal(write(true, { TERM: "dumb" }), "done\n");
  assert.equal(write(true, { CI: "true" }), "done\n");
  assert.equal(write(true, {}, true), "");
  const drawn = write(true, { TERM: "xterm" });
  assert.match(drawn, /a step whose text\n?/);
  assert.ok(drawn.endsWith("\r\u001b[2K"));
});
