import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { array, assert as check, constantFrom, nat, property, uint8Array } from "fast-check";
import { fuzzRuns } from "../testing/fuzz-runs.ts";
import { createChunkedDecoder } from "./body-decoder.ts";
import { FramingError } from "./framing-error.ts";
import { chunkHead, lastChunk } from "./serialise.ts";

interface Decoded {
  readonly payload: string;
  readonly trailers: readonly string[];
  readonly isDone: boolean;
  /** What is behind the body. */
  readonly rest: string;
  readonly fault: string;
}

/** Decodes `text`, handed over in pieces of these sizes, the last one as large as needed. */
function decode(text: string, sizes: readonly number[] = []): Decoded {
  const decoder = createChunkedDecoder();
  const bytes = Buffer.from(text, "latin1");
  let payload = "";
  let fault = "";
  let at = 0;
  let piece = 0;
  while (at < bytes.length && !decoder.isDone && fault === "") {
    const size = sizes[piece] ?? bytes.length;
    const chunk = Buffer.concat([Buffer.from("#"), bytes.subarray(at, at + size)]);
    try {
      const next = decoder.push(chunk, 1, (part) => payload += part.toString("latin1"));
      assert.ok(next === chunk.length || decoder.isDone);
      at += next - 1;
    } catch (error) {
      if (!(error instanceof FramingError)) throw error;
      fault = error.message;
    }
    piece += 1;
  }
  const rest = fault === "" ? bytes.toString("latin1", at) : "";
  return { payload, trailers: decoder.trailers, isDone: decoder.isDone, rest, fault };
}

function refuse(text: string): void {
  assert.notEqual(decode(text).fault, "", JSON.stringify(text));
}

test("push() gives the payload, and stops behind the body", () => {
  assert.deepEqual(decode("5\r\nhello\r\n00a;x\r\n0123456789\r\n0\r\n\r\nGET /"), {
    payload: "hello0123456789",
    trailers: [],
    isDone: true,
    rest: "GET /",
    fault: "",
  });
  assert.equal(decode('A\r\n0123456789\r\n000;q="a b"\r\n\r\n').isDone, true);
  assert.equal(decode("0000000000000001\r\nx\r\n0\r\n\r\n").payload, "x");
  assert.equal(decode("5\r\nhel").isDone, false);
});

test("S6: sizes are hexadecimal digits alone, at most 16, and lines end in CRLF", () => {
  const malformed = [
    "+5\r\nhello\r\n",
    "-5\r\nhello\r\n",
    "0x5\r\nhello\r\n",
    " 5\r\nhello\r\n",
    "5 \r\nhello\r\n",
    "5\t\r\nhello\r\n",
    "5 ;x\r\nhello\r\n",
    "5\nhello\r\n",
    "5\r\nhello\n",
    "5\r\nhelloX\r\n",
    "5\r\nhello\rX",
    "5\rhello\r\n",
    "5\r\r\nhello\r\n",
    "5;a\nhello\r\n",
    "5;a\rhello\r\n",
    "5;a\0\r\nhello\r\n",
    "\r\n5\r\nhello\r\n",
    ";a\r\nhello\r\n",
    "g\r\n",
    "5_0\r\n",
    "00000000000000005\r\nhello\r\n",
    "ffffffffffffffff\r\n",
    "20000000000000\r\n",
    "5,5\r\nhello\r\n",
    "0\n\r\n",
    "0\r\n\n",
    "0\r\n\rX\r\n\r\n",
  ];
  for (const text of malformed) refuse(text);
});

test("S6: extensions of one body share 4 KiB (CVE-2024-22019)", () => {
  const chunk = (bytes: number) => `1;${"x".repeat(bytes)}\r\ny\r\n`;
  assert.equal(decode(`${chunk(4096)}0\r\n\r\n`).isDone, true);
  refuse(chunk(4097));
  refuse(chunk(3000) + chunk(1097));
  refuse(`1;${"x".repeat(5000)}`);
});

test("H11: trailers are given, but none that a recipient would act on", () => {
  const section = [
    "X-Sum: 1",
    "grpc-status: 0",
    "Set-Cookie: a",
    "set_cookie: a",
    "Authorization: b",
    "Connection: close",
    "X-Forwarded-For: c",
    "Via: 1.1 x",
    "Trailer: d",
    "Content-Type: e",
    "X-Last: \xe9",
  ];
  const { trailers, isDone } = decode(`0\r\n${section.join("\r\n")}\r\n\r\n`);
  assert.ok(isDone);
  assert.deepEqual(trailers, ["X-Sum", "1", "grpc-status", "0", "X-Last", "\xe9"]);
});

test("S7: trailers that frame or route, are malformed or too long, are refused", () => {
  for (const trailer of ["Content-Length: 5", "transfer-encoding: chunked", "Host: a"]) {
    refuse(`0\r\n${trailer}\r\n\r\n`);
  }
  for (const trailer of ["X : a", " X: a", "X: a\r\n b", "X: a\0", ": a", "X", "X: a\rb"]) {
    refuse(`0\r\n${trailer}\r\n\r\n`);
  }
  refuse("0\r\nX: a\n\r\n");
  refuse(`0\r\n${"X: y\r\n".repeat(101)}\r\n`);
  refuse(`0\r\nX: ${"y".repeat(16_384)}`);
  assert.equal(decode(`0\r\nX: ${"y".repeat(16_000)}\r\n\r\n`).isDone, true);
});

test("push() gives back what chunkHead() and lastChunk() framed, however the bytes are split", () => {
  check(
    property(array(uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 6 }), array(nat(9)), (payloads, sizes) => {
      const parts = payloads.map((payload) => Buffer.from(payload).toString("latin1"));
      const text = `${parts.map((part) => `${chunkHead(part.length)}${part}\r\n`).join("")}${lastChunk(["A", "b"])}`;
      assert.deepEqual(decode(text, sizes.map((size) => size + 1)), {
        payload: parts.join(""),
        trailers: ["A", "b"],
        isDone: true,
        rest: "",
        fault: "",
      });
    }),
    { numRuns: Math.min(fuzzRuns, 10_000) },
  );
});

const fragment = constantFrom(
  ..."5\r\nhello\r\n|1\r\nx\r\n|0\r\n\r\n|0\r\n|\r\n|\r|\n|;|;a=b|5|0|f|A|+|-|x| |\t|\0|\xff|hello|X: y\r\n|Host: a\r\n|\r\n\r\n|10000000000000000"
    .split("|"),
);

test("S6: whatever comes, and however it is split, push() decides the same and ends", () => {
  check(
    property(array(fragment, { maxLength: 10 }), array(nat(5), { maxLength: 6 }), (fragments, sizes) => {
      const text = fragments.join("");
      const whole = decode(text);
      assert.deepEqual(decode(text, sizes.map((size) => size + 1)), whole);
      if (!whole.isDone) return;
      assert.equal(decode(text.slice(0, text.length - whole.rest.length)).isDone, true);
    }),
    { numRuns: fuzzRuns },
  );
});
