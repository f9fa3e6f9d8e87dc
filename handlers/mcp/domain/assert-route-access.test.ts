import assert from "node:assert/strict";
import { test } from "node:test";
import { ServiceDefinition } from "#shared/contract/definition.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { assertRouteAccess } from "./assert-route-access.ts";

const withRoute = (route: Record<string, unknown>) =>
  ServiceDefinition.parse({
    name: "hello",
    node: "rift",
    components: [{ name: "web", image: "r.test/hello:v1.0.0", routes: [{ port: 443, mode: "l7", ...route }] }],
  });

const isForbidden = (error: unknown) => error instanceof PlatformError && error.code === "forbidden";

test("assertRouteAccess() refuses wildcard names and URLs of the caller's choice", () => {
  assert.throws(() => assertRouteAccess(withRoute({ hostname: "*.example.org" })), isForbidden);
  const policies = { forward_auth: "http://127.0.0.1:9090/" };
  assert.throws(() => assertRouteAccess(withRoute({ policies })), isForbidden);
});

test("assertRouteAccess() allows other names and policies", () => {
  assertRouteAccess(withRoute({}));
  assertRouteAccess(withRoute({ hostname: "shop.example.org", policies: { forward_auth: "mcias", pause: "5s" } }));
});
