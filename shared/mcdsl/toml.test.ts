import assert from "node:assert/strict";
import { test } from "node:test";
import { PlatformError } from "../errors/platform-error.ts";
import { formatToml, parseToml } from "./toml.ts";

test("parseToml() says line and column of what is not TOML", () => {
  assert.throws(() => parseToml('name = "shop"\nnode = rift\n', "shop.toml"), (error) => {
    assert.ok(error instanceof PlatformError);
    assert.equal(error.code, "invalid-config");
    assert.match(error.message, /^Cannot read "shop\.toml:2:\d+": /);
    assert.deepEqual([error.details["source"], error.details["line"]], ["shop.toml", 2]);
    return true;
  });
});

test("formatToml() writes what parseToml() reads", () => {
  const table = {
    name: "shop",
    active: true,
    build: { images: { web: "Dockerfile" } },
    components: [{ name: "web", routes: [{ port: 443 }] }],
  };
  assert.deepEqual(structuredClone(parseToml(formatToml(table), "x")), table);
});
