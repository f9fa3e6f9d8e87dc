import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { createServer, METHODS } from "node:http";
import { connect } from "node:net";
import { test } from "node:test";
import {
  type Arbitrary,
  array,
  assert as check,
  constantFrom,
  nat,
  oneof,
  property,
  sample,
  string,
  tuple,
} from "fast-check";
import type { RequestHead } from "../l7/streams.ts";
import { fuzzRuns } from "../testing/fuzz-runs.ts";
import type { HeadFault } from "./head-fault.ts";
import { findHeadEnd, type ParsedRequest, parseRequestHead } from "./parse-request.ts";
import { parseResponseHead } from "./parse-response.ts";
import { chunkHead, lastChunk, serialiseRequest, serialiseResponse } from "./serialise.ts";

function fromList(list: string): Arbitrary<string> {
  return constantFrom(...list.split("|"));
}

/** Mostly `sound`, so that what is behind it is reached too. */
function mostly(sound: string, hostile: string): Arbitrary<string> {
  return oneof({ weight: 12, arbitrary: fromList(sound) }, { weight: 1, arbitrary: fromList(hostile) });
}

const method = mostly("GET|POST|PUT|HEAD|DELETE|OPTIONS|PATCH|M-SEARCH", "CONNECT|TRACE|get|(|");
const target = mostly("/|/x?y=z|/\xe9|//|/%2e|http://b.test/x|https://b.test?q", "*|http://u@b|x|/#|/ |/\t|/\x7f|");
const version = mostly("HTTP/1.1|HTTP/1.1|HTTP/1.0", "HTTP/1.2|HTTP/2.0|http/1.1|HTTP/1.1 |");
const lineBreak = mostly("\r\n", "\n|\r|\r\n |\0||\r\n\r\n|\r\r\n");
const ordinary = tuple(
  mostly("X-a|Accept|Cookie|x-A|Keep-Alive|X_Real_IP|X-Forwarded-For|X-Request-Id|TE|Via|!", " |X(|\xe9|"),
  mostly(": |:|: \t", " : |: \0|:\r"),
  mostly("a|a b|\xff|a\tb||1.2.3.4|trailers|x: y|,", "\x7f|\x0b|\n"),
);
const framing = tuple(
  mostly("Content-Length|Transfer-Encoding|Connection|Upgrade|Expect|Host|TE|Via", "content_length|transfer-encoding"),
  mostly(": |:", ":\t| :"),
  mostly(
    "5|0|05|chunked|close|keep-alive|upgrade|x-a|h2c|100-continue",
    "gzip, chunked| 5 |+5|5,5|\x0bchunked|1.1 mc-proxy",
  ),
);
const field = tuple(oneof({ weight: 3, arbitrary: ordinary }, { weight: 1, arbitrary: framing }), lineBreak)
  .map(([parts, end]) => `${parts.join("")}${end}`);
const head = tuple(
  method,
  target,
  version,
  mostly("\r\nHost: a.test\r\n", "\r\n|\n|\r"),
  array(field, { maxLength: 5 }),
)
  .map(([method, target, version, host, fields]) => `${method} ${target} ${version}${host}${fields.join("")}\r\n`);
const noise = oneof({ weight: 4, arbitrary: constantFrom("") }, {
  weight: 1,
  arbitrary: string({ unit: "binary-ascii", maxLength: 4 }),
});
/** Heads with a few bytes put in somewhere. */
const noisyHead = tuple(head, noise, nat(300)).map(([head, inside, at]) =>
  `${head.slice(0, at % head.length)}${inside}${head.slice(at % head.length)}`
);

function parseText(text: string): ParsedRequest | HeadFault | undefined {
  const bytes = Buffer.from(`${text}\r\n\r\n`, "latin1");
  const end = findHeadEnd(bytes, 0);
  return parseRequestHead(bytes, 0, end);
}

function toBackend(head: RequestHead) {
  return { ...head, fields: [...head.fields, "Via", "1.1 mc-proxy"] };
}

/** Forwarding a request again must not change it: what it says is all in what was parsed. */
function assertRoundTrip({ head, isChunked }: ParsedRequest): void {
  const again = parseText(serialiseRequest(head).slice(0, -4));
  assert.ok(again?.kind === "request", JSON.stringify(again));
  assert.equal(again.isChunked, isChunked);
  const { method, path, authority, fields, bodyLength, expectsContinue, upgrade } = again.head;
  assert.deepEqual(
    { method, path, authority, fields, bodyLength, expectsContinue, upgrade },
    {
      method: head.method,
      path: head.path,
      authority: head.authority,
      fields: head.fields,
      bodyLength: head.bodyLength,
      expectsContinue: head.expectsContinue,
      upgrade: head.upgrade,
    },
  );
}

test("S12: whatever bytes come, parseRequestHead() refuses them or gives what forwards without a change", () => {
  let accepted = 0;
  let refused = 0;
  check(
    property(noisyHead, (text) => {
      const parsed = parseText(text);
      if (parsed?.kind !== "request") {
        refused += 1;
        return;
      }
      accepted += 1;
      assertRoundTrip(parsed);
      for (const part of parsed.head.fields) assert.doesNotMatch(part, /[\r\n\0]/);
    }),
    { numRuns: fuzzRuns },
  );
  // Else the generator tells nothing.
  assert.ok(accepted > fuzzRuns / 10 && refused > fuzzRuns / 10, `${accepted} accepted, ${refused} refused`);
});

test("S12: whatever bytes come, parseResponseHead() refuses them or gives what forwards without a change", () => {
  const statusLine = mostly(
    "HTTP/1.1 200 OK|HTTP/1.1 204 |HTTP/1.1 304|HTTP/1.1 101 X|HTTP/1.0 200 OK",
    "HTTP/1.1 99 X|HTTP/2 200|",
  );
  check(
    property(statusLine, lineBreak, array(field, { maxLength: 5 }), noise, (line, lineBreak, fields, noise) => {
      const bytes = Buffer.from(`${line}${lineBreak}${fields.join("")}${noise}\r\n\r\n`, "latin1");
      const parsed = parseResponseHead(bytes, 0, findHeadEnd(bytes, 0), "GET");
      if (parsed.kind !== "response") return;
      const { framing } = parsed;
      const text = serialiseResponse(parsed.head, { version: "1.1", framing, closes: false, upgrade: "x" });
      const again = Buffer.from(text, "latin1");
      assert.equal(findHeadEnd(again, 0), again.length);
      const copy = parseResponseHead(again, 0, again.length, "GET");
      assert.ok(copy.kind === "response" && copy.framing === framing);
      assert.deepEqual(copy.head, parsed.head);
    }),
    { numRuns: fuzzRuns },
  );
});

test("S12: node's strict parser reads what is forwarded as we did", { timeout: 60_000 }, async () => {
  const heads: RequestHead[] = [];
  for (const text of sample(noisyHead, { numRuns: Math.min(fuzzRuns, 20_000), seed: 1 })) {
    const parsed = parseText(text);
    // Its server knows only some methods, and acts on upgrades and expectations.
    if (parsed?.kind !== "request" || !METHODS.includes(parsed.head.method) || parsed.head.upgrade !== undefined) {
      continue;
    }
    if ((parsed.head.bodyLength ?? 0) < 100) heads.push({ ...parsed.head, expectsContinue: false });
  }
  assert.ok(heads.length > 100);
  const seen: string[] = [];
  let refused = "";
  const done = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("latin1").on("data", (chunk: string) => body += chunk).on("end", () => {
      seen.push(describe(request.method ?? "", request.url ?? "", request.rawHeaders, body));
      response.end();
      if (seen.length === heads.length) done.resolve();
    });
  });
  server.on("clientError", (error, socket) => {
    refused = `${error.message} after ${seen.at(-1)}`;
    socket.destroy();
    done.resolve();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const socket = connect(typeof address === "object" ? address?.port ?? 0 : 0, "127.0.0.1");
  socket.on("error", () => socket.destroy()).resume();
  for (const head of heads) socket.write(toBytes(head), "latin1");
  await done.promise;
  socket.destroy();
  server.close();
  assert.equal(refused, "");
  assert.deepEqual(seen, heads.map(expected));
});

function bodyOf(head: RequestHead): string {
  return "y".repeat(head.bodyLength ?? 3);
}

function toBytes(head: RequestHead): string {
  const body = bodyOf(head);
  const framed = head.bodyLength === undefined ? `${chunkHead(body.length)}${body}\r\n${lastChunk([])}` : body;
  return serialiseRequest(toBackend(head)) + framed;
}

function expected(head: RequestHead): string {
  const [, ...lines] = serialiseRequest(toBackend(head)).slice(0, -4).split("\r\n");
  const fields = lines.flatMap((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]);
  return describe(head.method, head.path, fields, bodyOf(head));
}

function describe(method: string, path: string, fields: readonly string[], body: string): string {
  // Deno gives names in lower case.
  const names = fields.map((text, index) => index % 2 === 0 ? text.toLowerCase() : text);
  return JSON.stringify([method, path, names, body]);
}
