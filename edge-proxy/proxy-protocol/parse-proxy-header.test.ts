import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { parseProxyHeader } from "./parse-proxy-header.ts";

const signature = "0d0a0d0a000d0a515549540a";
const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");
const v2 = (rest: string) => hex(`${signature} ${rest}`);
const reasonOf = (bytes: Buffer) => {
  const result = parseProxyHeader(bytes);
  return result.kind === "malformed" ? result.reason : result.kind;
};

const accepted: readonly [name: string, bytes: Buffer, expected: object][] = [
  ["v1 TCP4", Buffer.from("PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n"), {
    source: { address: "192.0.2.1", port: 56324 },
    destination: { address: "192.0.2.2", port: 443 },
    length: 42,
  }],
  ["v1 TCP6", Buffer.from("PROXY TCP6 2001:DB8::1 ::1 0 65535\r\n"), {
    source: { address: "2001:db8::1", port: 0 },
    destination: { address: "::1", port: 65535 },
  }],
  ["v1 TCP6 with a mapped address as IPv4", Buffer.from("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n"), {
    source: { address: "192.0.2.1", port: 1 },
  }],
  ["v1 UNKNOWN as the real peer", Buffer.from("PROXY UNKNOWN\r\n"), { source: undefined, length: 15 }],
  ["v1 UNKNOWN with the rest skipped", Buffer.from("PROXY UNKNOWN ffff::1 x  y\r\n"), {
    source: undefined,
    length: 28,
  }],
  ["v1 of 107 bytes", Buffer.from(`PROXY UNKNOWN ${"x".repeat(91)}\r\n`), { length: 107 }],
  ["v2 TCP4", v2("21 11 000c c0000201 c0000202 dc04 01bb"), {
    source: { address: "192.0.2.1", port: 56324 },
    destination: { address: "192.0.2.2", port: 443 },
    length: 28,
  }],
  ["v2 TCP6", v2(`21 21 0024 20010db8${"0".repeat(23)}1 ${"0".repeat(31)}1 0001 0002`), {
    source: { address: "2001:db8::1", port: 1 },
    destination: { address: "::1", port: 2 },
  }],
  ["v2 LOCAL without addresses", v2("20 00 0000"), { command: "local", source: undefined, length: 16 }],
  ["v2 LOCAL with addresses to ignore", v2("20 11 000c c0000201 c0000202 dc04 01bb"), {
    command: "local",
    source: undefined,
    length: 28,
  }],
  ["v2 LOCAL with a block of garbage", v2("20 ff 0003 ffffff"), { command: "local", length: 19 }],
  ["v2 AF_UNSPEC as the real peer", v2("21 00 0003 ffffff"), { command: "proxy", source: undefined, length: 19 }],
  ["v2 AF_UNIX as the real peer", v2(`21 31 00d8 ${"61".repeat(216)}`), { source: undefined, length: 232 }],
  ["v2 with an unknown TLV skipped", v2("21 11 0011 c0000201 c0000202 dc04 01bb ee 0002 0102"), {
    tlvs: {},
    length: 33,
  }],
  ["v2 with NOOP and NETNS", v2("21 11 0013 c0000201 c0000202 dc04 01bb 04 0000 30 0001 61"), { tlvs: { netns: "a" } }],
];

for (const [name, bytes, expected] of accepted) {
  test(`P2: parseProxyHeader() takes ${name}`, () => {
    const result = parseProxyHeader(bytes);
    assert.equal(result.kind, "header");
    assert.deepEqual({ ...result, ...expected }, result);
  });
}

const refused: readonly [name: string, bytes: Buffer, reason: string][] = [
  ["a ClientHello after one byte", hex("16"), "absent"],
  ["a request", Buffer.from("GET / HTTP/1.1\r\n"), "absent"],
  ["a request that begins like v1", Buffer.from("PROPFIND"), "absent"],
  ["lower case", Buffer.from("proxy TCP4"), "absent"],
  ["a signature with another byte", hex("0d0a0d0a000d0a515549540b"), "absent"],
  ["two spaces", Buffer.from("PROXY  TCP4 192.0.2.1 192.0.2.2 1 2\r\n"), "malformed"],
  ["a tab", Buffer.from("PROXY TCP4\t192.0.2.1 192.0.2.2 1 2\r\n"), "malformed"],
  ["a trailing space", Buffer.from("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n"), "malformed"],
  ["a leading zero in a port", Buffer.from("PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n"), "malformed"],
  ["a sign in a port", Buffer.from("PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n"), "malformed"],
  ["a port above 65535", Buffer.from("PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n"), "malformed"],
  ["a leading zero in an address", Buffer.from("PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n"), "malformed"],
  ["IPv6 in TCP4", Buffer.from("PROXY TCP4 ::1 192.0.2.2 1 2\r\n"), "malformed"],
  ["IPv4 in TCP6", Buffer.from("PROXY TCP6 192.0.2.1 ::1 1 2\r\n"), "malformed"],
  ["a zone", Buffer.from("PROXY TCP6 fe80::1%lo ::1 1 2\r\n"), "malformed"],
  ["a family that is none", Buffer.from("PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n"), "malformed"],
  ["a bare line feed", Buffer.from("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n"), "malformed"],
  ["a bare carriage return", Buffer.from("PROXY UNKNOWN\rx"), "malformed"],
  ["a byte above ASCII", Buffer.from("PROXY UNKNOWN \u00e9\r\n"), "malformed"],
  ["v1 of 108 bytes", Buffer.from(`PROXY UNKNOWN ${"x".repeat(92)}\r\n`), "too-large"],
  ["v1 without an end", Buffer.from(`PROXY UNKNOWN ${"x".repeat(93)}`), "too-large"],
  ["v2 of version 1", v2("11"), "malformed"],
  ["v2 with an unknown command", v2("22"), "malformed"],
  ["v2 with an unknown family", v2("21 41 0000"), "malformed"],
  ["v2 with an unknown transport", v2("21 13 000c c0000201 c0000202 dc04 01bb"), "malformed"],
  ["v2 with a short IPv4 block", v2("21 11 000b c0000201 c0000202 dc04 01"), "malformed"],
  ["v2 with a short IPv6 block", v2("21 21 000c c0000201 c0000202 dc04 01bb"), "malformed"],
  ["v2 with a short AF_UNIX block", v2(`21 31 00d7 ${"61".repeat(215)}`), "malformed"],
  ["v2 above 4 KiB before it has arrived", v2("21 11 0ff1"), "too-large"],
  ["LOCAL above 4 KiB", v2("20 00 ffff"), "too-large"],
];

for (const [name, bytes, reason] of refused) {
  test(`P2: parseProxyHeader() refuses ${name}`, () => assert.equal(reasonOf(bytes), reason));
}

const address = "c0000201 c0000202 dc04 01bb";
const brokenTlvs: readonly [name: string, bytes: Buffer, reason: string][] = [
  ["a TLV that ends behind the header", v2(`21 11 0010 ${address} 02 0002 61`), "malformed"],
  ["a TLV cut in its head", v2(`21 11 000e ${address} 02 00`), "malformed"],
  ["a unique id of 129 bytes", v2(`21 11 0090 ${address} 05 0081 ${"61".repeat(129)}`), "malformed"],
  ["an SSL TLV shorter than its head", v2(`21 11 0013 ${address} 20 0004 01000000`), "malformed"],
  ["an SSL TLV whose part ends behind it", v2(`21 11 0018 ${address} 20 0009 0100000000 21 0002 61`), "malformed"],
  ["a wrong sum", v2(`21 11 0013 ${address} 03 0004 00000000`), "checksum"],
  ["a sum of three bytes", v2(`21 11 0012 ${address} 03 0003 000000`), "checksum"],
];

for (const [name, bytes, reason] of brokenTlvs) {
  test(`P3: parseProxyHeader() refuses ${name}`, () => assert.equal(reasonOf(bytes), reason));
}
