import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { array, assert as check, integer, property, uint8Array } from "fast-check";
import { buildClientHello, toRecords } from "../testing/client-hello-bytes.ts";
import { alerts, type ClientHelloResult, createClientHelloReader } from "./client-hello.ts";

function read(...chunks: Uint8Array[]): ClientHelloResult {
  const reader = createClientHelloReader();
  let result: ClientHelloResult = { kind: "incomplete" };
  for (const chunk of chunks) {
    result = reader.push(chunk);
    if (result.kind !== "incomplete") return result;
  }
  return result;
}

const grease: [number, Uint8Array] = [0x2a2a, new Uint8Array(0)];
const postQuantumShare: [number, Uint8Array] = [51, new Uint8Array(1_216)];
const encryptedHello: [number, Uint8Array] = [0xfe0d, new Uint8Array(250)];
const browserHello = {
  names: ["Shop.Example.TEST"],
  alpn: [Buffer.of(0x1a, 0x1a), "h2", "http/1.1"],
  versions: [0x3a3a, 0x0304, 0x0303],
  extensions: [grease, postQuantumShare, encryptedHello],
};
const expected = { kind: "hello", serverName: "shop.example.test", alpn: ["h2", "http/1.1"], offersTls13: true };

test("createClientHelloReader() reads a post-quantum hello with GREASE and ECH", () => {
  assert.deepEqual(read(buildClientHello(browserHello)), expected);
});

test("createClientHelloReader() gives the same at every split point", () => {
  for (const recordBytes of [16_384, 700]) {
    const bytes = buildClientHello({ ...browserHello, recordBytes });
    for (let at = 1; at < bytes.length; at += 1) {
      assert.deepEqual(read(bytes.subarray(0, at), bytes.subarray(at)), expected, `split at ${at}`);
    }
  }
});

test("createClientHelloReader() gives the same byte by byte, in records of one byte", () => {
  const bytes = buildClientHello({ names: ["a.test"], recordBytes: 1 });
  const result = read(...[...bytes].map((byte) => Uint8Array.of(byte)));
  assert.deepEqual(result, { kind: "hello", serverName: "a.test", alpn: [], offersTls13: true });
});

test("createClientHelloReader() gives the same for any packets and records", () => {
  check(
    property(
      array(integer({ min: 1, max: 600 }), { minLength: 1 }),
      integer({ min: 1, max: 3_000 }),
      (sizes, recordBytes) => {
        const bytes = buildClientHello({ ...browserHello, recordBytes: Math.max(recordBytes, 20) });
        const chunks: Uint8Array[] = [];
        let at = 0;
        for (let turn = 0; at < bytes.length; turn += 1) {
          const size = sizes[turn % sizes.length] ?? 1;
          chunks.push(bytes.subarray(at, at + size));
          at += size;
        }
        assert.deepEqual(read(...chunks), expected);
      },
    ),
  );
});

test("createClientHelloReader() never throws, whatever the bytes are", () => {
  check(property(uint8Array({ maxLength: 400 }), (bytes) => void read(bytes)));
  check(property(uint8Array({ minLength: 1, maxLength: 400 }), (body) => {
    const handshake = Buffer.concat([Buffer.of(1, 0, body.length >> 8, body.length & 255), body]);
    assert.notEqual(read(toRecords(handshake, 100)).kind, "incomplete");
  }));
});

test("createClientHelloReader() survives one flipped byte anywhere", () => {
  const bytes = buildClientHello({ names: ["a.test"], alpn: ["h2"] });
  check(
    property(integer({ min: 0, max: bytes.length - 1 }), integer({ min: 0, max: 255 }), (at, value) => {
      const flipped = Buffer.from(bytes);
      flipped[at] = value;
      void read(flipped);
    }),
    { numRuns: 2_000 },
  );
});

test("createClientHelloReader() gives no name without SNI and for IP literals", () => {
  assert.deepEqual(read(buildClientHello()), { kind: "hello", serverName: undefined, alpn: [], offersTls13: true });
  for (const name of ["127.0.0.1", "::1", "fe80::1"]) {
    const result = read(buildClientHello({ names: [name] }));
    assert.equal(result.kind === "hello" && result.serverName, undefined);
  }
});

test("createClientHelloReader() says when TLS 1.3 is not offered", () => {
  for (const versions of [[], [0x0303], [0x0302, 0x2a2a]]) {
    const result = read(buildClientHello({ names: ["a.test"], versions }));
    assert.equal(result.kind === "hello" && result.offersTls13, false);
  }
});

const refusals: [string, Uint8Array, ClientHelloResult][] = [
  ["plain HTTP", Buffer.from("GET / HTTP/1.1\r\n\r\n"), { kind: "refused", reason: "not-tls", alert: undefined }],
  ["SSLv2", Buffer.from("802e0100020015", "hex"), { kind: "refused", reason: "not-tls", alert: undefined }],
  ["an alert record", Buffer.from("15030300020100", "hex"), { kind: "refused", reason: "not-tls", alert: undefined }],
  ["an empty record", Buffer.from("1603010000", "hex"), malformed(alerts.decodeError)],
  ["a record above 2^14", Buffer.from("1603014001", "hex"), malformed(alerts.decodeError)],
  ["another handshake message", toRecords(Buffer.from("0200000100", "hex"), 99), malformed(alerts.unexpectedMessage)],
  ["two names", buildClientHello({ names: ["a.test", "b.test"] }), malformed(alerts.illegalParameter)],
  ["a name that is no ASCII", buildClientHello({ names: ["ä.test"] }), malformed(alerts.illegalParameter)],
  ["a name with a NUL", buildClientHello({ names: ["a\0.test"] }), malformed(alerts.illegalParameter)],
  ["no name in the list", buildClientHello({ names: [] }), malformed(alerts.decodeError)],
  ["an empty ALPN name", buildClientHello({ alpn: [""] }), malformed(alerts.decodeError)],
  ["a doubled extension", buildClientHello({ extensions: [grease, grease] }), malformed(alerts.illegalParameter)],
  ["an announced 17 KiB", toRecords(Buffer.from("01004400", "hex"), 99), {
    kind: "refused",
    reason: "too-large",
    alert: alerts.decodeError,
  }],
];

function malformed(alert: number): ClientHelloResult {
  return { kind: "refused", reason: "malformed", alert };
}

for (const [what, bytes, result] of refusals) {
  test(`createClientHelloReader() refuses ${what}`, () => assert.deepEqual(read(bytes), result));
}

test("createClientHelloReader() refuses bytes after the hello in its record, not after its record", () => {
  const bytes = buildClientHello({ names: ["a.test"] });
  assert.equal(read(Buffer.concat([bytes, Buffer.from("140303000101", "hex")])).kind, "hello");
  const handshake = Buffer.concat([bytes.subarray(5), Buffer.of(0)]);
  assert.deepEqual(read(toRecords(handshake, 16_384)), malformed(alerts.decodeError));
});

test("createClientHelloReader() refuses absurdly small records above its limit", () => {
  const extensions: [number, Uint8Array][] = [[21, new Uint8Array(15_000)]];
  const result = read(
    ...[...buildClientHello({ names: ["a.test"], extensions, recordBytes: 1 })].map((byte) => Uint8Array.of(byte)),
  );
  assert.deepEqual(result, { kind: "refused", reason: "too-large", alert: alerts.decodeError });
});
