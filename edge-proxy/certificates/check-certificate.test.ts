import assert from "node:assert/strict";
import { test } from "node:test";
import { createTestAuthority } from "../testing/test-authority.ts";
import { checkCertificate } from "./check-certificate.ts";

const authority = await createTestAuthority();
const good = await authority.issue("a.test");
const check = { hostname: "a.test", now: new Date(), rootsPem: authority.rootPem };
const [leaf = "", issuing = ""] = good.chainPem.split(/(?<=-----END CERTIFICATE-----\n)/);

test("X7: checkCertificate() accepts a whole chain and leaves the root out", () => {
  const checked = checkCertificate({ ...good, chainPem: good.chainPem + authority.rootPem }, check);
  assert.equal(checked.chainPem.match(/BEGIN CERTIFICATE/g)?.length, 2);
  assert.ok(checked.notBefore < check.now && check.now < checked.notAfter);
});

test("X7: checkCertificate() refuses with the exact fault", async () => {
  const other = await authority.issue("b.test");
  const stranger = await createTestAuthority();
  const hour = 3_600_000;
  const expired = await authority.issue("a.test", {
    notBefore: new Date(Date.now() - 2 * hour),
    notAfter: new Date(Date.now() - hour),
  });
  const early = await authority.issue("a.test", { notBefore: new Date(Date.now() + hour) });
  const refuse = (material: typeof good, message: RegExp) =>
    assert.throws(() => checkCertificate(material, check), { message });
  refuse(other, /it is for DNS:b\.test/);
  refuse({ ...good, keyPem: other.keyPem }, /the private key belongs to another certificate/);
  refuse({ ...good, keyPem: "damaged" }, /the private key belongs to another certificate/);
  refuse(expired, /it expired at/);
  refuse(early, /it is valid from/);
  refuse({ ...good, chainPem: "" }, /there is no certificate/);
  refuse({ ...good, chainPem: issuing }, /expected the leaf first/);
  refuse(
    { ...good, chainPem: leaf },
    /the leaf stands alone .* the certificate of its issuer "CN=test issuing" is missing, expected it after the leaf/,
  );
  refuse({ ...good, chainPem: leaf + other.chainPem }, /was not issued by the next one/);
  refuse(await stranger.issue("a.test"), /does not lead to a known root/);
  refuse({ ...good, chainPem: leaf.replace(/\n.{64}/, "\nAAAA") }, /it does not parse/);
});

test("X7: checkCertificate() accepts stated purposes with serverAuth only", async () => {
  const [server, client, any] = ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2", "2.5.29.37.0"];
  assert.ok(server !== undefined && client !== undefined && any !== undefined);
  const both = await authority.issue("a.test", { purposes: [client, server] });
  checkCertificate(both, check);
  for (const purposes of [[client], [any]]) {
    const material = await authority.issue("a.test", { purposes });
    assert.throws(() => checkCertificate(material, check), { message: /its purposes are .*serverAuth/ });
  }
});

test("X7: checkCertificate() takes a wildcard for one label, and a wildcard route's name for itself", async () => {
  const wildcard = await authority.issue("*.w.test");
  for (const hostname of ["a.w.test", "*.w.test"]) checkCertificate(wildcard, { ...check, hostname });
  for (const hostname of ["w.test", "b.a.w.test"]) {
    assert.throws(() => checkCertificate(wildcard, { ...check, hostname }), { message: /it is for DNS:\*\.w\.test/ });
  }
});

test("X7: checkCertificate() without known roots still refuses a leaf that stands alone", () => {
  const { rootsPem: _, ...rootless } = check;
  checkCertificate(good, rootless);
  assert.throws(() => checkCertificate({ ...good, chainPem: leaf }, rootless), { message: /the leaf stands alone/ });
});
