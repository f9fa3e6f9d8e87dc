import assert from "node:assert/strict";
import { test } from "node:test";
import { isAuthority } from "./authority.ts";

test("H4: isAuthority() accepts a host with or without a port", () => {
  for (
    const text of [
      "a",
      "a.test",
      "A.Test.",
      "a_b.test:443",
      "127.0.0.1:1",
      "[::1]",
      "[::ffff:1.2.3.4]:65535",
      "a".repeat(254),
    ]
  ) assert.ok(isAuthority(text), text);
});

test("S8: isAuthority() refuses user information, lists, blanks, paths and bad ports", () => {
  const malformed = [
    "",
    ":80",
    "a:",
    "a:x",
    "a:-1",
    "a:+1",
    "a:65536",
    "a:000001",
    "a:1:2",
    "u@a",
    "u:p@a",
    "a,b",
    "a b",
    " a",
    "a/",
    "a?b",
    "a#b",
    "a%2e",
    "é",
    "a\0",
    "[]",
    "[::1",
    "[:]",
    "[::1]x",
    "[::1]:",
    "[fe80::1%25eth0]",
    "::1",
    "*",
    "a".repeat(255),
    `[${":".repeat(60)}]`,
  ];
  for (const text of malformed) assert.ok(!isAuthority(text), text);
});
