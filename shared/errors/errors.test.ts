import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { errorCatalogue, isErrorCode } from "./catalogue.ts";
import { describeError, PlatformError, toPlatformError } from "./platform-error.ts";
import { fromProblemResponse, toProblem, toProblemResponse } from "./problem.ts";

test("toProblem() carries code, status, title and details", () => {
  const error = new PlatformError("conflict", "Cannot x", { details: { field: "name" } });
  assert.deepEqual(toProblem(error, "r1"), {
    type: "urn:metacircular:error:conflict",
    title: errorCatalogue.conflict.title,
    status: 409,
    detail: "Cannot x",
    code: "conflict",
    requestId: "r1",
    details: { field: "name" },
  });
});

test("fromProblemResponse() gives back the error that was rendered", async () => {
  const error = new PlatformError("rate-limited", "Cannot log in", { details: { retryAfterSeconds: 3 } });
  const response = toProblemResponse(error, "r2");
  assert.equal(response.headers.get("retry-after"), "3");
  const parsed = await fromProblemResponse(response, "log in");
  assert.equal(parsed.code, "rate-limited");
  assert.equal(parsed.message, error.message);
  assert.deepEqual(parsed.details, { retryAfterSeconds: 3, requestId: "r2" });
});

test("fromProblemResponse() tells an unknown body from a problem", async () => {
  const parsed = await fromProblemResponse(new Response("<html>", { status: 502 }), "list nodes");
  assert.equal(parsed.code, "upstream-failed");
  assert.match(parsed.message, /^Cannot list nodes: the answer was HTTP 502/);
  assert.equal((await fromProblemResponse(new Response("", { status: 503 }), "x")).code, "unavailable");
});

test("toPlatformError() hides unknown errors and keeps the cause", () => {
  const cause = new TypeError("secret path");
  const error = toPlatformError(cause);
  assert.equal(error.code, "internal");
  assert.ok(!error.message.includes("secret"));
  assert.equal(
    describeError(error),
    "Cannot answer the request: an unexpected error happened, see the log: secret path",
  );
});

test("every code is used somewhere in the source", () => {
  const sources = globSync("{shared,handlers,edge-proxy,node-runtime,cli,infra,web}/**/*.ts")
    .filter((path) => !path.endsWith(".test.ts") && !path.endsWith("errors/catalogue.ts"))
    .map((path) => readFileSync(path, "utf8"))
    .join("\n");
  for (const code of Object.keys(errorCatalogue)) {
    assert.ok(isErrorCode(code));
    assert.ok(sources.includes(`"${code}"`), `no source mentions the error code "${code}"`);
  }
});
