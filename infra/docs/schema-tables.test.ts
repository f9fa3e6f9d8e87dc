import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { DurationMs } from "#shared/mcdsl/duration.ts";
import { listTables } from "./schema-tables.ts";

const schema = z.object({
  name: z.string().max(9).regex(/^[a-z]+$/, "expected letters").describe("What it is called."),
  server: z.strictObject({
    port: z.int().min(1).max(9).default(2),
    modes: z.array(z.enum(["a", "b"])).max(3).default(["a"]),
    idle: DurationMs.optional(),
    url: z.url().optional(),
    address: z.union([z.ipv4(), z.ipv6()]).optional(),
    notice: z.union([z.string().max(7), z.literal(true)]).optional(),
  }).prefault({}),
  extra: z.strictObject({ on: z.boolean() }).optional(),
  images: z.record(z.string(), z.string().max(5).describe("A file.")).default({}).describe("Files by name."),
  parts: z.array(z.strictObject({ id: z.string().max(1) })).describe("All parts."),
});
const tables = listTables(schema);
const tableOf = (header: string) => {
  const found = tables.find((one) => one.header === header);
  assert.ok(found, header);
  return found;
};
const fieldOf = (header: string, key: string) => {
  const found = tableOf(header).fields.find((field) => field.key === key);
  assert.ok(found, key);
  return found;
};

test("listTables() names tables, lists of tables and records as TOML does", () => {
  assert.deepEqual(tables.map(({ header }) => header), ["", "[server]", "[extra]", "[images]", "[[parts]]"]);
  assert.deepEqual(tableOf("[[parts]]").path, ["parts"]);
  assert.deepEqual([tableOf("[images]").meaning, tableOf("[[parts]]").meaning], ["Files by name.", "All parts."]);
  assert.equal(fieldOf("[images]", "<name>").meaning, "A file.");
});

test("listTables() says which tables may be left out", () => {
  assert.deepEqual(tables.filter(({ isOptional }) => isOptional).map(({ header }) => header), ["[extra]"]);
});

test("listTables() says type, default, rule and meaning of a field", () => {
  assert.deepEqual(fieldOf("", "name"), {
    key: "name",
    type: "string",
    isRequired: true,
    default: undefined,
    rule: "letters, at most 9 characters",
    meaning: "What it is called.",
  });
  assert.deepEqual(
    ["port", "modes", "idle", "url", "address", "notice"].map((key) => {
      const { type, isRequired, default: fallback, rule } = fieldOf("[server]", key);
      return [type, isRequired, fallback, rule];
    }),
    [
      ["integer", false, "2", "1 to 9"],
      ["list of strings", false, '["a"]', "each one of `a`, `b`, at most 3"],
      ["string", false, undefined, 'a duration such as "30s", "5m" or "12h"'],
      ["string", false, undefined, "URL"],
      ["string", false, undefined, "IPv4 address or IPv6 address"],
      ["string", false, undefined, "at most 7 characters"],
    ],
  );
});
