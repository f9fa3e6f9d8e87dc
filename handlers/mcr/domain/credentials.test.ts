import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { assert as check, property, string } from "fast-check";
import { looksLikeToken, parseBasic } from "./credentials.ts";

function encode(text: string): string {
  return `Basic ${Buffer.from(text).toString("base64")}`;
}

test("parseBasic() gives back any username and password", () => {
  check(property(string({ minLength: 1 }), string({ minLength: 1 }), (username, password) => {
    if (username.includes(":")) return true;
    const parsed = parseBasic(encode(`${username}:${password}`));
    return parsed?.username === username && parsed.password === password;
  }));
});

test("parseBasic() ignores other schemes and what is malformed, empty or too long", () => {
  for (
    const header of [
      null,
      "",
      "Bearer x",
      "Basic",
      "Basic !!",
      encode("alice"),
      encode(":x"),
      encode("alice:"),
      encode(`a:${"x".repeat(9000)}`),
    ]
  ) {
    assert.equal(parseBasic(header), undefined, String(header).slice(0, 40));
  }
});

test("looksLikeToken() tells a JWT from a password", () => {
  assert.equal(looksLikeToken("eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ4In0.c2ln"), true);
  for (const text of ["hunter2", "eyJ", "a.b.c", "eyJ0.x", "eyJ0.x.y.z", "eyJ0..y"]) {
    assert.equal(looksLikeToken(text), false, text);
  }
});
