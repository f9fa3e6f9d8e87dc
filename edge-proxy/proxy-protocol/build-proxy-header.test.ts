import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import {
  assert as check,
  boolean,
  constantFrom,
  integer,
  ipV4,
  ipV6,
  oneof,
  option,
  property,
  record,
  string,
  uint8Array,
} from "fast-check";
import { fuzzRuns } from "../testing/fuzz-runs.ts";
import { normalizeAddress } from "../firewall/address.ts";
import { buildLocalHeader, buildProxyHeader, type ProxyHeaderFacts } from "./build-proxy-header.ts";
import { crc32c } from "./crc32c.ts";
import { parseProxyHeader } from "./parse-proxy-header.ts";

const source = { address: "192.0.2.1", port: 50_000 };
const destination = { address: "198.51.100.2", port: 443 };

const end = record({ address: oneof(ipV4(), ipV6()), port: integer({ min: 0, max: 65_535 }) });
const text = string({ maxLength: 64 });
const facts = record<ProxyHeaderFacts>({
  source: end,
  destination: end,
  checksum: boolean(),
  alpn: text,
  authority: text,
  netns: text,
  uniqueId: uint8Array({ maxLength: 128 }).map((bytes) => Buffer.from(bytes)),
  tls: record({
    client: integer({ min: 0, max: 7 }),
    verify: integer({ min: 0, max: 0xffffffff }),
    version: text,
    commonName: text,
    cipher: text,
    signature: text,
    key: text,
  }, { requiredKeys: ["client", "verify"], noNullPrototype: true }),
}, { requiredKeys: ["source", "destination"], noNullPrototype: true });

function expectedTlvs(built: ProxyHeaderFacts): object {
  const { source: _source, destination: _destination, checksum: _checksum, ...tlvs } = built;
  return tlvs;
}

test("P5: buildProxyHeader() v2 is read back as it was", () => {
  check(
    property(facts, (built) => {
      const bytes = buildProxyHeader("v2", built);
      const result = parseProxyHeader(bytes);
      assert.equal(result.kind, "header");
      if (result.kind !== "header") return;
      assert.deepEqual(result.source, { ...built.source, address: normalizeAddress(built.source.address) });
      assert.deepEqual(result.destination, {
        ...built.destination,
        address: normalizeAddress(built.destination.address),
      });
      assert.deepEqual(result.tlvs, expectedTlvs(built));
      assert.equal(result.length, bytes.length);
    }),
    { numRuns: 2000 },
  );
});

test("P5: buildProxyHeader() v1 is read back as it was", () => {
  check(
    property(end, end, (from, to) => {
      const bytes = buildProxyHeader("v1", { source: from, destination: to });
      const result = parseProxyHeader(bytes);
      assert.ok(bytes.length <= 107);
      assert.equal(result.kind, "header");
      if (result.kind === "header") assert.equal(result.source?.address, normalizeAddress(from.address));
    }),
    { numRuns: 2000 },
  );
});

test("P5: buildLocalHeader() is a LOCAL header", () => {
  const result = parseProxyHeader(buildLocalHeader());
  assert.ok(result.kind === "header" && result.command === "local" && result.length === 16);
});

test("P5: buildProxyHeader() refuses what it cannot announce", () => {
  assert.throws(() => buildProxyHeader("v2", { source: { address: "x", port: 1 }, destination }), RangeError);
  assert.throws(() => buildProxyHeader("v1", { source: { address: "::1", port: 65_536 }, destination }), RangeError);
  assert.throws(() => buildProxyHeader("v2", { source, destination, uniqueId: Buffer.alloc(129) }), RangeError);
  assert.throws(() => buildProxyHeader("v2", { source, destination, authority: "x".repeat(4096) }), RangeError);
});

test("P3: crc32c() gives the sum of RFC 3720's example", () => {
  assert.equal(crc32c(Buffer.from("123456789")), 0xe3069283);
  assert.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa);
});

test("P3: parseProxyHeader() sees every changed bit of a header with its sum", () => {
  const good = buildProxyHeader("v2", { source, destination, authority: "a.example", checksum: true });
  assert.equal(parseProxyHeader(good).kind, "header");
  for (let bit = 16 * 8; bit < good.length * 8; bit++) {
    const bad = Buffer.from(good);
    bad[bit >> 3] = (bad[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    // A flip in the sum's own type or lengths can make it another field: then there is no sum to check.
    if ((bit >> 3) >= good.length - 7 && (bit >> 3) < good.length - 4) continue;
    const result = parseProxyHeader(bad);
    assert.equal(result.kind, "malformed", `bit ${bit}`);
  }
});

test("P4: parseProxyHeader() is incomplete at every byte before the last, and ignores what follows", () => {
  const headers = [
    buildProxyHeader("v1", { source, destination }),
    buildProxyHeader("v2", { source, destination, authority: "a.example", checksum: true }),
    buildProxyHeader("v2", { source: { address: "2001:db8::1", port: 1 }, destination }),
    buildLocalHeader(),
    Buffer.from("PROXY UNKNOWN some thing\r\n"),
  ];
  for (const header of headers) {
    for (let length = 0; length < header.length; length++) {
      assert.deepEqual(parseProxyHeader(header.subarray(0, length)), { kind: "incomplete" }, `${length} bytes`);
    }
    const glued = parseProxyHeader(Buffer.concat([header, Buffer.from([0x16, 3, 1, 0, 0])]));
    assert.deepEqual(glued, parseProxyHeader(header));
  }
});

test("P2: parseProxyHeader() never throws and never reads past its length", () => {
  const starts = [
    Buffer.alloc(0),
    Buffer.from("PROXY "),
    Buffer.from("PROXY TCP4 "),
    Buffer.from("0d0a0d0a000d0a515549540a", "hex"),
    Buffer.from("0d0a0d0a000d0a515549540a2111", "hex"),
    Buffer.from("0d0a0d0a000d0a515549540a21210050", "hex"),
    Buffer.from("0d0a0d0a000d0a515549540a2111001cc0000201c0000202dc0401bb", "hex"),
    Buffer.from("0d0a0d0a000d0a515549540a2111001cc0000201c0000202dc0401bb200010", "hex"),
    buildProxyHeader("v2", { source, destination, authority: "a.example", checksum: true, uniqueId: Buffer.alloc(8) }),
    buildProxyHeader("v1", { source, destination }),
  ];
  const small = uint8Array({ maxLength: 48 });
  check(
    property(
      constantFrom(...starts),
      small,
      option(integer({ min: 0, max: 80 }), { nil: undefined }),
      (start, tail, at) => {
        const bytes = Buffer.concat([start, tail]);
        if (at !== undefined && at < bytes.length) bytes[at] = tail[0] ?? 0;
        const result = parseProxyHeader(bytes);
        if (result.kind === "header") {
          assert.ok(result.length <= bytes.length);
          assert.deepEqual(parseProxyHeader(bytes.subarray(0, result.length)), result);
        }
      },
    ),
    { numRuns: fuzzRuns },
  );
});
