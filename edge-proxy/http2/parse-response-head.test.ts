import assert from "node:assert/strict";
import { test } from "node:test";
import { array, assert as check, property, string } from "fast-check";
import { parseResponseHead, type ResponseContext } from "./parse-response-head.ts";
import { parseTrailers } from "./parse-trailers.ts";
import { addFields, toHeaderObject } from "./header-list.ts";
import { toRequestFields } from "./to-request-fields.ts";
import { plainRequest } from "./testing/ask-backend.ts";

const context: ResponseContext = { method: "GET", isConnect: false, endsStream: false };

test("parseResponseHead() takes out what ends at this hop, and the Content-Length", () => {
  const raw = [
    ":status",
    "200",
    "content-length",
    "5",
    "trailer",
    "x",
    "set-cookie",
    "a",
    "set-cookie",
    "b",
    "via",
    "2 c",
  ];
  assert.deepEqual(parseResponseHead(raw, context), {
    kind: "response",
    head: {
      status: 200,
      fields: ["set-cookie", "a", "set-cookie", "b", "via", "2 c"],
      contentLength: 5,
      hasBody: true,
      isTunnel: false,
    },
  });
});

test("H10: parseResponseHead() knows which responses have no body", () => {
  const hasBody = (status: string, some: Partial<ResponseContext> = {}) => {
    const parsed = parseResponseHead([":status", status], { ...context, ...some });
    return parsed.kind === "response" && parsed.head.hasBody;
  };
  assert.equal(hasBody("200"), true);
  assert.deepEqual([hasBody("204"), hasBody("304"), hasBody("200", { method: "HEAD" })], [false, false, false]);
  assert.equal(hasBody("200", { endsStream: true }), false);
});

test("RFC 8441: only 2xx opens a tunnel", () => {
  const isTunnel = (status: string) => {
    const parsed = parseResponseHead([":status", status], { ...context, isConnect: true });
    return parsed.kind === "response" && parsed.head.isTunnel;
  };
  assert.deepEqual([isTunnel("200"), isTunnel("204"), isTunnel("403"), isTunnel("101")], [true, true, false, false]);
  assert.equal(parseResponseHead([":status", "200"], { ...context, isConnect: true, endsStream: true }).kind, "fault");
});

test("S12: parseResponseHead() refuses what a hostile backend may send", () => {
  const vectors = [
    [],
    ["x", "y"],
    [":status", ""],
    [":status", "99"],
    [":status", "600"],
    [":status", "+20"],
    [":status", "200", ":status", "200"],
    [":status", "200", "x", "a\r\nb"],
    [":status", "200", "x", "a\0b"],
    [":status", "200", "x y", "a"],
    [":status", "200", "X", "a"],
    [":status", "200", "connection", "close"],
    [":status", "200", "content-length", "1", "content-length", "1"],
    [":status", "200", "content-length", "-1"],
    [":status", "200", ...Array.from({ length: 201 }, () => ["x", "y"]).flat()],
  ];
  for (const raw of vectors) assert.equal(parseResponseHead(raw, context).kind, "fault", raw.join(" "));
});

test("S12: whatever a backend sends, what passes can be written", () => {
  check(property(array(string({ unit: "binary" }), { maxLength: 8 }), (raw) => {
    const parsed = parseResponseHead([":status", "200", ...raw], context);
    if (parsed.kind === "response") addFields([], parsed.head.fields);
  }));
});

test("H11: parseTrailers() drops framing, routing, authentication and state", () => {
  const raw = [
    "grpc-status",
    "0",
    "content-length",
    "1",
    "set-cookie",
    "a",
    "authorization",
    "b",
    "host",
    "c",
    "x-sum",
    "1",
  ];
  assert.deepEqual(parseTrailers([...raw, ":status", "200", "x-forwarded-for", "d", "set_cookie", "e"]), [
    ...["grpc-status", "0", "x-sum", "1"],
  ]);
});

test("addFields() and toHeaderObject() keep repeated names and refuse values that would break the section", () => {
  const fields = ["Set-Cookie", "a", "set-cookie", "b", "X", "c", "__proto__", "e"];
  assert.deepEqual(addFields([":status", "200"], fields.slice(0, 4)), [
    ":status",
    "200",
    "set-cookie",
    "a",
    "set-cookie",
    "b",
  ]);
  assert.deepEqual(toHeaderObject(fields), { "set-cookie": ["a", "b"], x: ["c"] });
  for (const value of ["a\0b", "a\r\nb", "\u010a"]) assert.throws(() => addFields([], ["x", value]), TypeError);
});

test("toRequestFields() writes pseudo-header fields first, and framing as the method has it", () => {
  const head = [":method", "GET", ":scheme", "https", ":path", "/", ":authority", "a.test"];
  assert.deepEqual(toRequestFields(plainRequest), [...head, "te", "trailers"]);
  assert.deepEqual(
    toRequestFields({
      ...plainRequest,
      method: "POST",
      expectsContinue: true,
      acceptsTrailers: false,
      fields: ["X-A", "b"],
    }),
    [
      ...head.with(1, "POST"),
      ...["x-a", "b", "content-length", "0", "expect", "100-continue"],
    ],
  );
  assert.throws(() => toRequestFields({ ...plainRequest, fields: ["x", "a\nb"] }), TypeError);
});
