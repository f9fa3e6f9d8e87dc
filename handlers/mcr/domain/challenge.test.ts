import assert from "node:assert/strict";
import { test } from "node:test";
import { bearerChallenge, originOf, scopeOf } from "./challenge.ts";
import { parseOperation } from "./operation.ts";

const fallback = new URL("http://127.0.0.1:5000/v2/");

test("originOf() prefers what the proxy and the client say", () => {
  assert.equal(
    originOf({ forwardedProto: "https", host: "mcr.example.net:8443", fallback }),
    "https://mcr.example.net:8443",
  );
  assert.equal(originOf({ forwardedProto: undefined, host: "[::1]:5000", fallback }), "http://[::1]:5000");
});

test("originOf() lets nothing out of its quotes", () => {
  assert.equal(originOf({ forwardedProto: 'https"', host: 'evil",error="', fallback }), "http://127.0.0.1:5000");
  assert.equal(originOf({ forwardedProto: undefined, host: undefined, fallback }), "http://127.0.0.1:5000");
});

test("bearerChallenge() names realm, service, scope and what was wrong", () => {
  assert.equal(bearerChallenge("https://x", undefined, false), 'Bearer realm="https://x/v2/token",service="mcr"');
  assert.equal(
    bearerChallenge("https://x", "repository:a:pull", true),
    'Bearer realm="https://x/v2/token",service="mcr",scope="repository:a:pull",error="invalid_token"',
  );
});

test("scopeOf() asks for what an operation needs", () => {
  assert.equal(scopeOf(parseOperation("GET", "/v2/a/manifests/v1")), "repository:a:pull");
  assert.equal(scopeOf(parseOperation("PUT", "/v2/a/manifests/v1")), "repository:a:pull,push");
  assert.equal(scopeOf(parseOperation("POST", "/v2/a/blobs/uploads/")), "repository:a:pull,push");
  assert.equal(scopeOf(parseOperation("DELETE", "/v2/a/manifests/v1")), "repository:a:delete");
  assert.equal(scopeOf(parseOperation("GET", "/v2/_catalog")), "registry:catalog:*");
  assert.equal(scopeOf(parseOperation("GET", "/v2/")), undefined);
  assert.equal(scopeOf(parseOperation("GET", '/v2/a"b/manifests/v1')), undefined);
});
