import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { array, assert as check, asyncProperty, integer, string, tuple } from "fast-check";
import "reflect-metadata";
import { Pkcs10CertificateRequestGenerator, SubjectAlternativeNameExtension } from "@peculiar/x509";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { fromCsrPem, toPem } from "./domain/pem.ts";
import { readCsr } from "./read-csr.ts";
import { createCsr, missingOpenssl } from "./start-test-metacrypt.ts";

const skip = await missingOpenssl();
const refused = (pattern: RegExp) => (error: unknown) =>
  error instanceof PlatformError && error.code === "invalid-request" && pattern.test(error.message);

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "metacrypt-"));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

function change(pem: string, work: (der: Uint8Array) => Uint8Array): string {
  return toPem("CERTIFICATE REQUEST", work(fromCsrPem(pem) ?? new Uint8Array()));
}

test("readCsr() takes names from subjectAltName only, each once", { skip }, async (t) => {
  const csrPem = await createCsr(await temporaryFolder(t), "DNS:a.test,DNS:*.b.test,DNS:a.test");
  assert.deepEqual((await readCsr(csrPem)).names, ["a.test", "*.b.test"]);
});

test("readCsr() refuses requests without names, with too many, or with other than host names", { skip }, async (t) => {
  const folder = await temporaryFolder(t);
  const many = (count: number) => Array.from({ length: count }, (_, index) => `DNS:h${index}.test`).join(",");
  assert.equal((await readCsr(await createCsr(folder, many(16)))).names.length, 16);
  const cases: [string, RegExp][] = [
    ["", /no names/],
    [many(17), /17 names/],
    ["DNS:a.test,IP:192.0.2.1", /type "ip"/],
    ["email:a@b.test", /type "email"/],
    ["URI:https://a.test", /type "url"/],
    ["DNS:A.test", /not a host name/],
    ["DNS:a_b.test", /not a host name/],
    ["DNS:a.*.test", /not a host name/],
    ["DNS:*.*.test", /not a host name/],
    ["DNS:a*.test", /not a host name/],
    ["DNS:*", /not a host name/],
    ["DNS:192.0.2.1", /not a host name/],
    ["DNS:a.test.", /not a host name/],
  ];
  for (const [altName, pattern] of cases) {
    await assert.rejects(readCsr(await createCsr(folder, altName)), refused(pattern), altName);
  }
});

test("readCsr() takes P-256, P-384 and Ed25519 keys only", { skip }, async (t) => {
  const folder = await temporaryFolder(t);
  for (const key of ["p256", "p384", "ed25519"] as const) await readCsr(await createCsr(folder, "DNS:a.test", key));
  await assert.rejects(readCsr(await createCsr(folder, "DNS:a.test", "rsa")), refused(/another kind/));
  await assert.rejects(
    readCsr(await createCsr(folder, "DNS:a.test", "secp256k1")),
    refused(/another kind|cannot be decoded/),
  );
});

test("readCsr() refuses a wrong signature, and another's key under an own signature", { skip }, async (t) => {
  const folder = await temporaryFolder(t);
  for (const key of ["p256", "ed25519"] as const) {
    const csrPem = await createCsr(folder, "DNS:a.test", key);
    const forged = change(
      csrPem,
      (der) => Uint8Array.from(der, (byte, index) => index === der.length - 1 ? byte ^ 1 : byte),
    );
    await assert.rejects(readCsr(forged), refused(/signature is wrong/));
    const renamed = change(
      csrPem,
      (der) => Buffer.from(Buffer.from(der).toString("latin1").replace("a.test", "b.test"), "latin1"),
    );
    await assert.rejects(readCsr(renamed), refused(/signature is wrong/));
  }
});

test("readCsr() refuses what is not one PEM block with one structure", { skip }, async (t) => {
  const csrPem = await createCsr(await temporaryFolder(t), "DNS:a.test");
  const cases = [
    "",
    "abc",
    csrPem + csrPem,
    csrPem.replaceAll("REQUEST", "THING"),
    change(csrPem, (der) => Uint8Array.of(...der, 0)),
  ];
  for (const text of cases) await assert.rejects(readCsr(text), refused(/not one PEM block/));
});

test("readCsr() never fails with anything but invalid-request, nor gives what was not signed, whatever the bytes", {
  skip,
}, async (t) => {
  const csrPem = await createCsr(await temporaryFolder(t), "DNS:a.test");
  const { names, publicKey } = await readCsr(csrPem);
  const expected = [names, publicKey.toString("hex")];
  const length = fromCsrPem(csrPem)?.length ?? 0;
  const edits = array(tuple(integer({ min: 4, max: length - 1 }), integer({ min: 1, max: 255 })), {
    minLength: 1,
    maxLength: 4,
  });
  await check(
    asyncProperty(edits, async (places) => {
      const hostile = change(csrPem, (der) => {
        const copy = Uint8Array.from(der);
        for (const [index, mask] of places) copy[index] = (copy[index] ?? 0) ^ mask;
        return copy;
      });
      // What is around the signed part may be written in other ways; what it asks for may not change.
      const asked = await readCsr(hostile).catch((error: unknown) => {
        assert.ok(refused(/./)(error), String(error));
      });
      if (asked !== undefined) assert.deepEqual([asked.names, asked.publicKey.toString("hex")], expected);
    }),
    { numRuns: 300 },
  );
  await check(asyncProperty(string(), (text) => assert.rejects(readCsr(text), refused(/./))));
});

test("readCsr() refuses a repeated subjectAltName", async () => {
  const keys = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
  const names = ["a.test", "b.test"].map((value) => new SubjectAlternativeNameExtension([{ type: "dns", value }]));
  const csr = await Pkcs10CertificateRequestGenerator.create({
    keys,
    signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
    extensions: names,
  });
  await assert.rejects(readCsr(toPem("CERTIFICATE REQUEST", new Uint8Array(csr.rawData))), refused(/repeated/));
});
