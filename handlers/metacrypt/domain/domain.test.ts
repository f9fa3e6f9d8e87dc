import assert from "node:assert/strict";
import { test } from "node:test";
import { assert as check, integer, property, uint8Array } from "fast-check";
import { findForbiddenNames, isCertificateName } from "./certificate-name.ts";
import { leafValidity } from "./leaf-validity.ts";
import { fromCsrPem, toPem } from "./pem.ts";

test("isCertificateName() takes host names and wildcards of one label", () => {
  for (const name of ["a", "a.test", "*.a.test", "xn--bcher-kva.test", "1.a.test"]) {
    assert.equal(isCertificateName(name), true, name);
  }
  for (
    const name of [
      "",
      "*",
      "*.",
      "a.*",
      "*.*.test",
      "A.test",
      "a..test",
      "-a.test",
      "10.0.0.1",
      "a.test.",
      `${"a.".repeat(126)}aa`,
    ]
  ) {
    assert.equal(isCertificateName(name), false, name);
  }
});

test("findForbiddenNames() lets grants cover themselves only, and admins everything under the domain", () => {
  const granted = { isAdmin: false, grantedNames: new Set(["a.test"]) };
  assert.deepEqual(findForbiddenNames(["a.test", "*.a.test", "b.a.test", "b.test"], granted, "test"), [
    "*.a.test",
    "b.a.test",
    "b.test",
  ]);
  const admin = { isAdmin: true, grantedNames: new Set<string>() };
  assert.deepEqual(
    findForbiddenNames(["mcp.test", "*.mcp.test", "a.b.mcp.test", "xmcp.test", "test"], admin, "mcp.test"),
    ["xmcp.test", "test"],
  );
});

test("leafValidity() never outlives 90 days nor the issuer, and begins five minutes ago", () => {
  const nowMs = integer({ min: 0, max: 4_000_000_000_000 });
  check(property(nowMs, integer({ min: 300, max: 10_000_000 }), nowMs, (now, ttlSeconds, issuerEnd) => {
    const { notBefore, notAfter } = leafValidity(now, ttlSeconds, issuerEnd);
    assert.ok(notAfter.getTime() <= Math.min(now + ttlSeconds * 1000, now + 90 * 86_400_000, issuerEnd));
    assert.equal(notBefore.getTime(), Math.floor(now / 1000) * 1000 - 300_000);
    assert.equal(notAfter.getTime() % 1000, 0);
  }));
});

test("toPem() and fromCsrPem() are each other's inverse for one sequence", () => {
  check(property(uint8Array({ maxLength: 120 }), (content) => {
    const der = Uint8Array.of(0x30, content.length, ...content);
    assert.deepEqual(fromCsrPem(toPem("CERTIFICATE REQUEST", der)), der);
    assert.equal(fromCsrPem(toPem("CERTIFICATE REQUEST", Uint8Array.of(...der, 0))), undefined);
    assert.equal(fromCsrPem(toPem("CERTIFICATE", der)), undefined);
  }));
});
