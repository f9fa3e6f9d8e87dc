import assert from "node:assert/strict";
import { test } from "node:test";
import type { BackendRequest, ResponseHead } from "../l7/streams.ts";
import {
  chunkHead,
  lastChunk,
  type ResponseOptions,
  serialiseInformational,
  serialiseRequest,
  serialiseResponse,
} from "./serialise.ts";

function request(changes: Partial<BackendRequest> = {}): string {
  return serialiseRequest({
    method: "GET",
    path: "/x",
    authority: "a.test",
    fields: ["Accept", "*/*"],
    bodyLength: 0,
    expectsContinue: false,
    acceptsTrailers: false,
    upgrade: undefined,
    ...changes,
  });
}

const start = "GET /x HTTP/1.1\r\nHost: a.test\r\nAccept: */*\r\n";

test("serialiseRequest() writes Host first and the framing itself", () => {
  assert.equal(request(), `${start}\r\n`);
  assert.equal(request({ bodyLength: 5 }), `${start}Content-Length: 5\r\n\r\n`);
  assert.equal(request({ bodyLength: undefined }), `${start}Transfer-Encoding: chunked\r\n\r\n`);
  for (const method of ["POST", "PUT", "PATCH"]) assert.match(request({ method }), /\r\nContent-Length: 0\r\n\r\n$/);
  assert.doesNotMatch(request({ method: "DELETE" }), /Content-Length/);
});

test("serialiseRequest() writes the hop-by-hop fields itself", () => {
  assert.equal(request({ acceptsTrailers: true }), `${start}Connection: TE\r\nTE: trailers\r\n\r\n`);
  const upgrade = `${start}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
  assert.equal(request({ upgrade: "websocket", acceptsTrailers: true }), upgrade);
  const expecting = request({ expectsContinue: true, bodyLength: 1 });
  assert.equal(expecting, `${start}Content-Length: 1\r\nExpect: 100-continue\r\n\r\n`);
});

function response(changes: Partial<ResponseHead> = {}, options: Partial<ResponseOptions> = {}): string {
  const head = { status: 200, fields: ["Server", "x"], contentLength: 5, hasBody: true, isTunnel: false, ...changes };
  return serialiseResponse(head, { version: "1.1", framing: "length", closes: false, ...options });
}

test("serialiseResponse() writes the framing and whether the connection stays", () => {
  assert.equal(response(), "HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 5\r\n\r\n");
  assert.equal(
    response({}, { closes: true }),
    "HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 5\r\nConnection: close\r\n\r\n",
  );
  assert.match(response({}, { version: "1.0" }), /^HTTP\/1\.1 200 OK\r\n.*\r\nConnection: keep-alive\r\n\r\n$/s);
  const chunked = response({ contentLength: undefined }, { framing: "chunked" });
  assert.equal(chunked, "HTTP/1.1 200 OK\r\nServer: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  assert.equal(
    response({ contentLength: undefined }, { framing: "close", closes: true }).includes("Content-Length"),
    false,
  );
});

test("H10: serialiseResponse() writes a length for HEAD and 304, and none for 204 and 101", () => {
  assert.match(response({ status: 304, hasBody: false }, { framing: "none" }), /Content-Length: 5/);
  assert.doesNotMatch(response({ status: 204, hasBody: false }, { framing: "none" }), /Content-Length/);
  assert.equal(
    response({ status: 101, contentLength: undefined, isTunnel: true }, { framing: "tunnel" }),
    "HTTP/1.1 101 Switching Protocols\r\nServer: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
  );
  assert.match(response({ status: 101, isTunnel: true }, { framing: "tunnel", upgrade: "x" }), /\r\nUpgrade: x\r\n/);
});

test("serialiseResponse() writes every status in one line", () => {
  assert.match(response({ status: 599 }), /^HTTP\/1\.1 599 \r\n/);
  assert.match(response({ status: 431 }), /^HTTP\/1\.1 431 Request Header Fields Too Large\r\n/);
  assert.equal(serialiseInformational(103, ["Link", "</a>"]), "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
});

test("chunkHead() and lastChunk() frame a body", () => {
  assert.equal(chunkHead(255), "ff\r\n");
  assert.equal(lastChunk([]), "0\r\n\r\n");
  assert.equal(lastChunk(["A", "b", "C", "d"]), "0\r\nA: b\r\nC: d\r\n\r\n");
});
