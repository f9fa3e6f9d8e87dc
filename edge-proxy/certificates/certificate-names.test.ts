import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { createTestAuthority } from "../testing/test-authority.ts";
import { certificateNames, coversHost } from "./certificate-names.ts";

test("certificateNames() lists the subject alternative names", async () => {
  const authority = await createTestAuthority();
  const { chainPem } = await authority.issue("a.test", { alsoFor: ["*.B.test", "xn--bcher-kva.test"] });
  assert.deepEqual(certificateNames(new X509Certificate(chainPem)), ["a.test", "*.b.test", "xn--bcher-kva.test"]);
});

test("X7: coversHost() lets a wildcard stand for exactly one label", () => {
  const covers = (hostname: string) => coversHost(["a.test", "*.w.test", "*.test"], hostname);
  for (const hostname of ["a.test", "b.w.test", "*.w.test"]) assert.equal(covers(hostname), true, hostname);
  for (const hostname of ["w.test", "b.a.test", "c.b.w.test", ".w.test", "*.a.test", "test", "b.w.test.evil"]) {
    assert.equal(covers(hostname), false, hostname);
  }
});
