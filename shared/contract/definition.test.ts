import assert from "node:assert/strict";
import { test } from "node:test";
import { listBuildableImages, ServiceDefinition } from "./definition.ts";

const component = { name: "web", image: "mcr.svc.mcp.localhost/shop-web:v1.2.3" };
const definition = { name: "shop", node: "rift", components: [component] };
const withComponent = (changes: object) => ({ ...definition, components: [{ ...component, ...changes }] });

/** Problems of a definition as `path: message`. */
function problemsOf(input: unknown): string[] {
  const parsed = ServiceDefinition.safeParse(input);
  return (parsed.error?.issues ?? []).map(({ path, message }) => `${path.join(".")}: ${message}`);
}

test("ServiceDefinition fills in the guide's defaults", () => {
  assert.deepEqual(ServiceDefinition.parse(definition), {
    ...definition,
    active: true,
    build: { images: {} },
    components: [{
      ...component,
      volumes: [],
      cmd: [],
      env: [],
      network: "mcpnet",
      user: "0:0",
      restart: "unless-stopped",
      routes: [],
    }],
  });
});

test("ServiceDefinition takes a whole definition", () => {
  const whole = {
    ...definition,
    active: false,
    path: "shop",
    build: { images: { "shop-web": "Dockerfile", "shop-api": "api/Dockerfile" } },
    components: [
      {
        ...component,
        volumes: ["/srv/shop:/srv/shop", "/srv/shop/certs:/certs:ro"],
        cmd: ["serve", "--verbose"],
        env: ["LOG=debug", "EMPTY=", "URL=http://a?b=c"],
        network: "host",
        user: "1000:users",
        restart: "on-failure",
        update: "recreate",
        health: { path: "/healthz", route: "rest", timeout: "60s" },
        routes: [
          { name: "rest", port: 443, mode: "l7", hostname: "shop.example.net" },
          { name: "grpc", port: 9443, mode: "l4" },
        ],
      },
      { name: "api", image: "mcr.svc.mcp.localhost/team/shop-api:v2.0.0", routes: [{ port: 8443, mode: "l4" }] },
    ],
  };
  assert.deepEqual(problemsOf(whole), []);
});

const broken: readonly (readonly [rule: string, input: unknown, problem: RegExp])[] = [
  ["an unknown key", { ...definition, replicas: 2 }, /Unrecognized key: "replicas"/],
  ["an unknown key in a component", withComponent({ ports: [] }), /^components\.0: Unrecognized key: "ports"/],
  [
    "an unknown key in a route",
    withComponent({ routes: [{ port: 1, mode: "l4", tls: true }] }),
    /^components\.0\.routes\.0: Unrecognized/,
  ],
  ["no component", { ...definition, components: [] }, /^components: /],
  ["a service name that is no label", { ...definition, name: "My_Shop" }, /^name: expected lower-case letters/],
  ["a node name that is no label", { ...definition, node: "-" }, /^node: expected lower-case letters/],
  [
    "an image that is not pinned",
    withComponent({ image: "mcr.example/web:latest" }),
    /^components\.0\.image: Cannot use image.*semantic version/,
  ],
  [
    "an image without a registry",
    withComponent({ image: "web:v1.0.0" }),
    /^components\.0\.image: Cannot use image.*not a full reference/,
  ],
  [
    "a relative volume",
    withComponent({ volumes: ["data:/data"] }),
    /^components\.0\.volumes\.0: expected "\/host\/path/,
  ],
  [
    "an environment entry without a value",
    withComponent({ env: ["DEBUG"] }),
    /^components\.0\.env\.0: expected "KEY=VALUE"/,
  ],
  ["a user that is none", withComponent({ user: "a:b:c" }), /^components\.0\.user: expected "user:group"/],
  ["an unknown restart policy", withComponent({ restart: "sometimes" }), /^components\.0\.restart: /],
  ["an unknown update strategy", withComponent({ update: "blue" }), /^components\.0\.update: /],
  [
    "a port out of range",
    withComponent({ routes: [{ port: 70_000, mode: "l4" }] }),
    /^components\.0\.routes\.0\.port: /,
  ],
  ["an unknown route mode", withComponent({ routes: [{ port: 1, mode: "l5" }] }), /^components\.0\.routes\.0\.mode: /],
  [
    "a host name in capitals",
    withComponent({ routes: [{ port: 1, mode: "l4", hostname: "Shop" }] }),
    /hostname: expected a lower-case host name/,
  ],
  [
    "two components of one name",
    { ...definition, components: [component, component] },
    /^components\.1\.name: "web" is used twice/,
  ],
  [
    "several routes without names",
    withComponent({ routes: [{ port: 1, mode: "l4" }, { port: 2, mode: "l4", name: "b" }] }),
    /^components\.0\.routes\.0\.name: missing/,
  ],
  [
    "two routes of one name",
    withComponent({ routes: [{ port: 1, mode: "l4", name: "a" }, { port: 2, mode: "l4", name: "a" }] }),
    /^components\.0\.routes\.1\.name: "a" is used twice/,
  ],
  ["a port routed twice", {
    ...definition,
    components: [{ ...component, routes: [{ port: 1, mode: "l4" }] }, {
      ...component,
      name: "b",
      routes: [{ port: 1, mode: "l7" }],
    }],
  }, /^components\.1\.routes\.0\.port: 1 is routed twice/],
  [
    "a health check without a route",
    withComponent({ health: { path: "/" } }),
    /^components\.0\.health\.path: there is no route to ask/,
  ],
  [
    "a health check on an unknown route",
    withComponent({ health: { route: "x" }, routes: [{ port: 1, mode: "l4", name: "a" }] }),
    /^components\.0\.health\.route: no route is named "x", expected one of: a/,
  ],
  [
    "a health path that no request can carry",
    withComponent({ health: { path: "/is it well" }, routes: [{ port: 1, mode: "l4" }] }),
    /^components\.0\.health\.path: expected a path that starts with "\/", percent-encoded/,
  ],
  [
    "a health path that is not absolute",
    withComponent({ health: { path: "healthz" }, routes: [{ port: 1, mode: "l4" }] }),
    /^components\.0\.health\.path: /,
  ],
  [
    "a health timeout above ten minutes",
    withComponent({ health: { timeout: "601s" } }),
    /^components\.0\.health\.timeout: expected a duration/,
  ],
  [
    "a build that no component uses",
    { ...definition, build: { images: { other: "Dockerfile" } } },
    /^build\.images\.other: no component uses an image "other", expected one of: shop-web/,
  ],
];

for (const [rule, input, problem] of broken) {
  test(`ServiceDefinition refuses ${rule}, and says nothing else`, () => {
    const problems = problemsOf(input);
    assert.equal(problems.length, 1, problems.join("\n"));
    assert.match(problems[0] ?? "", problem);
  });
}

test("ServiceDefinition reports problems of fields and between fields at once", () => {
  const problems = problemsOf({
    ...definition,
    build: { images: { other: "Dockerfile" } },
    components: [{ ...component, image: "web", env: ["A"] }, component],
  });
  assert.deepEqual(
    new Set(problems.map((problem) => problem.split(":")[0])),
    new Set(["build.images.other", "components.0.env.0", "components.0.image", "components.1.name"]),
  );
});

test("listBuildableImages() gives each image that has a Dockerfile once", () => {
  const parsed = ServiceDefinition.parse({
    ...definition,
    build: { images: { "shop-web": "Dockerfile.web" } },
    components: [component, { ...component, name: "worker" }, { name: "db", image: "mcr.example/db:v1.0.0" }],
  });
  assert.deepEqual(
    listBuildableImages(parsed).map(({ image, dockerfile, reference }) => [image, dockerfile, reference.name]),
    [[component.image, "Dockerfile.web", "shop-web"]],
  );
});
