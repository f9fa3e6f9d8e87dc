import assert from "node:assert/strict";
import { test } from "node:test";
import { ServiceDefinition } from "#shared/contract/definition.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { assertHostAccess } from "./assert-host-access.ts";

const withComponent = (component: Record<string, unknown>) =>
  ServiceDefinition.parse({
    name: "hello",
    node: "rift",
    components: [{ name: "web", image: "r.test/hello:v1.0.0", ...component }],
  });

for (const source of ["/srv/hello", "/srv/hello/", "/srv/hello/data", "/srv/./hello/data/../certs"]) {
  test(`assertHostAccess() allows the service's own folder: ${source}`, () => {
    assertHostAccess(withComponent({ volumes: [`${source}:/data`] }));
  });
}

for (const source of ["/", "/srv", "/srv/hello2", "/srv/hello/..", "/srv/hello/../other", "/etc/passwd"]) {
  test(`assertHostAccess() refuses a folder that is not the service's own: ${source}`, () => {
    assert.throws(
      () => assertHostAccess(withComponent({ volumes: [`${source}:/data:ro`] })),
      (error) => error instanceof PlatformError && error.code === "forbidden",
    );
  });
}

test("assertHostAccess() refuses the host's network", () => {
  assert.throws(() => assertHostAccess(withComponent({ network: "host" })), /network "host"/);
});
