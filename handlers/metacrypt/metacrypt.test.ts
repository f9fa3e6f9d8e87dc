import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { metacryptContract } from "#shared/contract/metacrypt.ts";
import type { ErrorCode } from "#shared/errors/catalogue.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { createCsr, missingOpenssl, openssl, startTestMetacrypt, type TestMetacrypt } from "./start-test-metacrypt.ts";

const hasCode = (code: ErrorCode) => (error: unknown) => error instanceof PlatformError && error.code === code;
const day = 86_400;
const skip = await missingOpenssl();

async function textOf(response: Promise<Response>): Promise<string> {
  return await (await response).text();
}

function certificatesOf(pem: string): string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g) ?? [];
}

/** Writes root, issuing and leaf certificate as files, and gives what openssl says of the leaf for a host name. */
async function verify(running: TestMetacrypt, chainPem: string, hostName: string): Promise<string> {
  const [leaf = "", issuing = ""] = certificatesOf(chainPem);
  const paths = {
    root: join(running.folder, "root.pem"),
    issuing: join(running.folder, "issuing.pem"),
    leaf: join(running.folder, "leaf.pem"),
  };
  await writeFile(paths.root, await textOf(running.client().caCertificate({})));
  await writeFile(paths.issuing, issuing);
  await writeFile(paths.leaf, leaf);
  const strict = ["-x509_strict", "-purpose", "sslserver", "-verify_hostname", hostName];
  return await openssl("verify", ...strict, "-CAfile", paths.root, "-untrusted", paths.issuing, paths.leaf);
}

for (const key of ["p256", "p384", "ed25519"] as const) {
  test(`signCsr() signs a ${key} key so that openssl's strict check accepts the chain`, { skip }, async () => {
    await using running = await startTestMetacrypt();
    await running.client("mcp").putGrant({
      params: { account: "host-1", owner: "web" },
      body: { names: ["a.mcp.test", "b.mcp.test"] },
    });
    const csrPem = await createCsr(running.folder, "DNS:a.mcp.test,DNS:b.mcp.test,DNS:a.mcp.test", key);
    const { chainPem, serialNumber, notAfter } = await running.client("host-1").signCsr({ body: { csrPem } });
    for (const name of ["a.mcp.test", "b.mcp.test"]) {
      assert.match(await verify(running, chainPem, name), /leaf\.pem: OK/);
    }
    await assert.rejects(verify(running, chainPem, "c.mcp.test"), /hostname mismatch/i);
    const leaf = new X509Certificate(certificatesOf(chainPem)[0] ?? "");
    assert.equal(certificatesOf(chainPem).length, 2);
    assert.equal(leaf.subject, "CN=a.mcp.test");
    assert.equal(leaf.subjectAltName, "DNS:a.mcp.test, DNS:b.mcp.test");
    assert.equal(leaf.serialNumber.toLowerCase(), serialNumber);
    assert.equal(Buffer.from(serialNumber, "hex").length, 20);
    assert.equal(new Date(leaf.validTo).toISOString(), notAfter);
    const nowSeconds = Math.floor(running.clock.at / 1000);
    assert.equal(Date.parse(leaf.validFrom) / 1000, nowSeconds - 300);
    assert.equal(Date.parse(leaf.validTo) / 1000, nowSeconds + 7 * day);
  });
}

test("signCsr() writes the profile of a server certificate", { skip }, async () => {
  await using running = await startTestMetacrypt();
  const csrPem = await createCsr(running.folder, "DNS:*.svc.mcp.test");
  const { chainPem } = await running.client("root").signCsr({ body: { csrPem } });
  assert.match(await verify(running, chainPem, "any.svc.mcp.test"), /OK/);
  const text = await openssl("x509", "-in", join(running.folder, "leaf.pem"), "-noout", "-text");
  assert.match(text, /Version: 3/);
  assert.match(text, /Signature Algorithm: ecdsa-with-SHA256/);
  assert.match(text, /Basic Constraints: critical\s+CA:FALSE/);
  assert.match(text, /Key Usage: critical\s+Digital Signature\n/);
  assert.match(text, /Extended Key Usage: \n\s+TLS Web Server Authentication\n/);
  assert.match(text, /Subject Key Identifier/);
  assert.match(text, /Authority Key Identifier/);
});

test("signCsr() leaves the subject out when no name fits into it", { skip }, async () => {
  await using running = await startTestMetacrypt();
  const name = `${"a".repeat(60)}.${"b".repeat(60)}.mcp.test`;
  const { chainPem } = await running.client("root").signCsr({
    body: { csrPem: await createCsr(running.folder, `DNS:${name}`) },
  });
  assert.match(await verify(running, chainPem, name), /OK/);
  assert.match(
    await openssl("x509", "-in", join(running.folder, "leaf.pem"), "-noout", "-text"),
    /Alternative Name: critical/,
  );
});

test("the authority's certificates follow RFC 5280 and verify", { skip }, async () => {
  await using running = await startTestMetacrypt();
  const [issuing = "", root = ""] = certificatesOf(await textOf(running.client().caChain({})));
  assert.equal(root, await textOf(running.client().caCertificate({})));
  await writeFile(join(running.folder, "root.pem"), root);
  await writeFile(join(running.folder, "issuing.pem"), issuing);
  const verified = await openssl(
    "verify",
    "-x509_strict",
    "-CAfile",
    join(running.folder, "root.pem"),
    join(running.folder, "issuing.pem"),
  );
  assert.match(verified, /OK/);
  const text = await openssl("x509", "-in", join(running.folder, "issuing.pem"), "-noout", "-text");
  assert.match(text, /Basic Constraints: critical\s+CA:TRUE, pathlen:0/);
  assert.match(text, /Key Usage: critical\s+Certificate Sign, CRL Sign\n/);
  const years = [root, issuing].map((pem) => new Date(new X509Certificate(pem).validTo).getUTCFullYear());
  const thisYear = new Date(running.clock.at - 300_000).getUTCFullYear();
  assert.deepEqual(years, [thisYear + 10, thisYear + 5]);
});

test("the public endpoints answer PEM files to anybody", async () => {
  await using running = await startTestMetacrypt();
  for (const response of [await running.client().caCertificate({}), await running.client().caChain({})]) {
    assert.equal(response.headers.get("content-type"), "application/x-pem-file");
    assert.match(await response.text(), /^-----BEGIN CERTIFICATE-----\n/);
  }
});

test(
  "signCsr() refuses names that are not granted, all or nothing, and writes them to the audit log",
  { skip },
  async () => {
    await using running = await startTestMetacrypt();
    await running.client("mcp").putGrant({
      params: { account: "host-1", owner: "web" },
      body: { names: ["a.mcp.test"] },
    });
    const csrPem = await createCsr(running.folder, "DNS:a.mcp.test,DNS:foreign.mcp.test,DNS:*.a.mcp.test");
    const error = await running.client("host-1").signCsr({ body: { csrPem } }).catch((error: unknown) => error);
    assert.ok(error instanceof PlatformError && error.code === "name-not-allowed" && error.httpStatus === 403);
    assert.deepEqual(error.details["names"], ["foreign.mcp.test", "*.a.mcp.test"]);
    const { events } = await running.client("root").listAudit({});
    const denial = events.find((event) => event.outcome === "denied");
    assert.deepEqual(
      [denial?.actor, denial?.action, denial?.code, denial?.resource],
      ["host-1", "certificate.sign", "name-not-allowed", "a.mcp.test foreign.mcp.test *.a.mcp.test"],
    );
    assert.deepEqual((await running.client("root").listCertificates({})).certificates, []);
  },
);

test("signCsr() gives no account another one's names, and an admin none outside of the domain", { skip }, async () => {
  await using running = await startTestMetacrypt();
  const names = ["a.mcp.test", "outside.test"];
  await running.client("mcp").putGrant({ params: { account: "host-1", owner: "web" }, body: { names } });
  const inside = await createCsr(running.folder, "DNS:a.mcp.test");
  const outside = await createCsr(running.folder, "DNS:outside.test");
  const lookalike = await createCsr(running.folder, "DNS:evilmcp.test");
  await assert.rejects(running.client("host-2").signCsr({ body: { csrPem: inside } }), hasCode("name-not-allowed"));
  await assert.rejects(running.client("alice").signCsr({ body: { csrPem: inside } }), hasCode("forbidden"));
  await assert.rejects(running.client("root").signCsr({ body: { csrPem: outside } }), hasCode("name-not-allowed"));
  await assert.rejects(running.client("root").signCsr({ body: { csrPem: lookalike } }), hasCode("name-not-allowed"));
  await running.client("host-1").signCsr({ body: { csrPem: outside } });
  await running.client("root").signCsr({ body: { csrPem: inside } });
});

test("a person with a granted account's name gets nothing by it", { skip }, async () => {
  await using running = await startTestMetacrypt();
  await running.client("mcp").putGrant({
    params: { account: "root", owner: "web" },
    body: { names: ["outside.test"] },
  });
  const csrPem = await createCsr(running.folder, "DNS:outside.test");
  await assert.rejects(running.client("root").signCsr({ body: { csrPem } }), hasCode("name-not-allowed"));
});

test("signCsr() caps the life at 90 days and at the issuer's end", { skip }, async () => {
  await using running = await startTestMetacrypt();
  const csrPem = await createCsr(running.folder, "DNS:a.mcp.test");
  const sign = (ttlSeconds: number) => running.client("root").signCsr({ body: { csrPem, ttlSeconds } });
  await assert.rejects(sign(90 * day + 1), hasCode("invalid-request"));
  await assert.rejects(sign(299), hasCode("invalid-request"));
  assert.equal(Date.parse((await sign(90 * day)).notAfter), (Math.floor(running.clock.at / 1000) + 90 * day) * 1000);
  const [issuing = ""] = certificatesOf(await textOf(running.client().caChain({})));
  const issuerEnd = Date.parse(new X509Certificate(issuing).validTo);
  running.clock.at = issuerEnd - day * 1000;
  assert.equal(Date.parse((await sign(90 * day)).notAfter), issuerEnd);
  running.clock.at = issuerEnd;
  await assert.rejects(sign(day), hasCode("unavailable"));
});

test("a restart keeps the authority, and another master key is refused", { skip }, async () => {
  await using running = await startTestMetacrypt();
  const root = await textOf(running.client().caCertificate({}));
  const again = await running.restart();
  assert.equal(await textOf(again.caCertificate({})), root);
  const { chainPem } = await again.signCsr({ body: { csrPem: await createCsr(running.folder, "DNS:a.mcp.test") } });
  assert.match(await verify(running, chainPem, "a.mcp.test"), /OK/);
  await assert.rejects(running.restart(new Uint8Array(32).fill(6)), (error: unknown) => {
    assert.ok(error instanceof PlatformError && error.code === "sealed");
    assert.match(error.message, /master key/);
    return true;
  });
});

test("the root's and the issuing key cannot be swapped at rest", async () => {
  await using running = await startTestMetacrypt();
  await running.database.run(
    "UPDATE authority SET sealed_key = (SELECT other.sealed_key FROM authority AS other WHERE other.role <> authority.role)",
  );
  await assert.rejects(running.restart(), hasCode("sealed"));
});

test("putGrant() is for admins and the system account mcp", async () => {
  await using running = await startTestMetacrypt();
  const grant = {
    params: { account: "host-1", owner: "web" },
    body: { names: ["b.mcp.test", "a.mcp.test", "a.mcp.test"] },
  };
  await assert.rejects(running.client("mcns").putGrant(grant), hasCode("forbidden"));
  await assert.rejects(running.client("host-1").putGrant(grant), hasCode("forbidden"));
  await assert.rejects(running.client("alice").putGrant(grant), hasCode("forbidden"));
  await assert.rejects(
    running.client("root").putGrant({ ...grant, body: { names: ["*.mcp.test"] } }),
    hasCode("invalid-request"),
  );
  await running.client("root").putGrant(grant);
  const listed = ["a.mcp.test", "b.mcp.test"].map((name) => ({ account: "host-1", owner: "web", name }));
  assert.deepEqual((await running.client("root").listGrants({})).grants, listed);
});

test("putGrant() replaces one owner's names and removes them when the list is empty", { skip }, async () => {
  await using running = await startTestMetacrypt();
  const put = (owner: string, names: string[]) =>
    running.client("mcp").putGrant({ params: { account: "host-1", owner }, body: { names } });
  await put("web", ["a.mcp.test", "b.mcp.test"]);
  await put("wiki", ["a.mcp.test"]);
  await put("web", ["c.mcp.test"]);
  const names = async () =>
    (await running.client("root").listGrants({})).grants.map(({ owner, name }) => `${owner} ${name}`);
  assert.deepEqual(await names(), ["web c.mcp.test", "wiki a.mcp.test"]);
  await put("wiki", []);
  assert.deepEqual(await names(), ["web c.mcp.test"]);
  const csrPem = await createCsr(running.folder, "DNS:a.mcp.test");
  await assert.rejects(running.client("host-1").signCsr({ body: { csrPem } }), hasCode("name-not-allowed"));
});

test("listCertificates() lists what was issued, newest first, also in the audit log", { skip }, async () => {
  await using running = await startTestMetacrypt();
  for (const name of ["a.mcp.test", "b.mcp.test"]) {
    await running.client("root").signCsr({ body: { csrPem: await createCsr(running.folder, `DNS:${name}`) } });
  }
  const { certificates } = await running.client("root").listCertificates({});
  assert.deepEqual(certificates.map(({ names, requestedBy }) => [names, requestedBy]), [[["b.mcp.test"], "root"], [[
    "a.mcp.test",
  ], "root"]]);
  const { events } = await running.client("root").listAudit({});
  assert.deepEqual(events.map(({ resource, outcome }) => [resource, outcome]), [["b.mcp.test", "allowed"], [
    "a.mcp.test",
    "allowed",
  ]]);
});

test("endpoints refuse callers without a token, and lists are for admins", async () => {
  await using running = await startTestMetacrypt();
  await assert.rejects(running.client().signCsr({ body: { csrPem: "" } }), hasCode("unauthenticated"));
  await assert.rejects(running.client("nobody").listGrants({}), hasCode("unauthenticated"));
  for (const name of ["alice", "mcp", "host-1"]) {
    const client = running.client(name);
    for (const list of [client.listGrants, client.listCertificates, client.listAudit]) {
      await assert.rejects(list({}), hasCode("forbidden"));
    }
  }
  const open = Object.values(metacryptContract).filter(({ access }) => access === "public").map(({ id }) => id);
  assert.deepEqual(open, ["ca.root", "ca.chain"]);
});
