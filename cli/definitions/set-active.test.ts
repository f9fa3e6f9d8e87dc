import assert from "node:assert/strict";
import { test } from "node:test";
import { assert as check, boolean, constantFrom, property } from "fast-check";
import { parseToml } from "#shared/mcdsl/toml.ts";
import { definitionText } from "../testing/sandbox.ts";
import { setActive } from "./set-active.ts";

test("setActive() keeps comments and everything else", () => {
  const text = '# mine\nname = "web"\nactive = true # until Friday\n[[components]]\nname = "active = true"\n';
  assert.equal(setActive(text, false, "web.toml"), text.replace("active = true #", "active = false #"));
});

test("setActive() adds the line below name and node when there is none", () => {
  const text = definitionText("web");
  assert.equal(setActive(text, false, "web.toml"), text.replace('node = "rift"\n', 'node = "rift"\nactive = false\n'));
  assert.equal(setActive(text, true, "web.toml"), text);
});

test("setActive() refuses a text that it cannot change safely", () => {
  const text = 'name = """\nactive = true\n"""\nactive = true\n';
  assert.throws(() => setActive(text, false, "web.toml"), {
    code: "invalid-definition",
    message: /Cannot set active in "web\.toml"/,
  });
});

test("setActive() gives a document that says so and is otherwise the same", () => {
  const lines = constantFrom("", "active = true\n", "active=false # why\n", '"active" = true\n');
  check(property(lines, boolean(), (line, isActive) => {
    const text = `${line}${definitionText("web")}`;
    const { active = true, ...rest } = parseToml(setActive(text, isActive, "web.toml"), "web.toml");
    const { active: _before, ...before } = parseToml(text, "web.toml");
    assert.equal(active, isActive);
    assert.deepEqual(rest, before);
  }));
});
