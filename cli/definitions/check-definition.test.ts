import assert from "node:assert/strict";
import { test } from "node:test";
import { assert as check, property, string } from "fast-check";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { definitionText } from "../testing/sandbox.ts";
import { checkDefinition } from "./check-definition.ts";
import { newDefinitionText } from "./new-definition-text.ts";

const good = definitionText("web");

/** `line path: message` of each problem. */
function problemsIn(text: string, service = "web"): string[] {
  try {
    checkDefinition({ text, path: "web.toml", service });
    return [];
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    assert.equal(error.code, "invalid-definition");
    return error.message.split("\n").slice(1).map((line) => line.trim());
  }
}

test("checkDefinition() accepts the guide's examples and the template", () => {
  assert.deepEqual(problemsIn(good), []);
  assert.deepEqual(
    problemsIn(newDefinitionText({ service: "web", registry: "mcr.svc.mcp.localhost:9000", node: "local" })),
    [],
  );
});

const bad: readonly { readonly what: string; readonly text: string; readonly problems: readonly string[] }[] = [
  {
    what: "a :latest tag",
    text: good.replace(":v1.0.0", ":latest"),
    problems: [
      'line 9: components[0].image: cannot use image "mcr.svc.test:8443/web:latest": its tag is "latest", expected a semantic version such as v1.2.3',
    ],
  },
  {
    what: "an unknown field, with the one that was meant",
    text: good.replace("image =", "imagee ="),
    problems: [
      "line 7: components[0].image: is missing, expected a string",
      'line 9: components[0].imagee: is not a field, did you mean "image"? expected one of: name, image, volumes, cmd, env, network, user, restart, update, health, routes',
    ],
  },
  {
    what: "a bad mode",
    text: good.replace('"l7"', '"l5"'),
    problems: ['line 13: components[0].routes[0].mode: is "l5", expected "l4" or "l7"'],
  },
  {
    what: "a duplicate route name",
    text: good.replace("port = 8443", 'port = 8443\nname = "rest"') +
      '[[components.routes]]\nname = "rest"\nport = 9443\nmode = "l4"\n',
    problems: ['line 16: components[0].routes[1].name: "rest" is used twice, expected a name of its own'],
  },
  {
    what: "a build image that matches nothing",
    text: good.replace('web = "Dockerfile"', 'web = "Dockerfile"\nweb-ui = "Dockerfile.web"'),
    problems: ['line 6: build.images.web-ui: no component uses an image "web-ui", expected one of: web'],
  },
  {
    what: "a port beyond 65535",
    text: good.replace("8443\nmode", "84430\nmode"),
    problems: ["line 12: components[0].routes[0].port: is 84430, expected at most 65535"],
  },
  {
    what: "a missing node",
    text: good.replace('node = "rift"\n', ""),
    problems: ["node: is missing, expected a string"],
  },
  {
    what: "a wrong type",
    text: good.replace('node = "rift"', "node = 7"),
    problems: ["line 2: node: is 7, expected a string"],
  },
  {
    what: "a name that is not the file's",
    text: good.replace('name = "web"', 'name = "wep"'),
    problems: ['line 1: name: is "wep", expected "web" as the file is named'],
  },
  {
    what: "no components",
    text: 'name = "web"\nnode = "rift"\ncomponents = []\n',
    problems: ["line 3: components: is [], expected at least 1 entry"],
  },
  {
    what: "a volume that is no path",
    text: good.replace("image =", 'volumes = ["data:/srv"]\nimage ='),
    problems: ['line 9: components[0].volumes[0]: is "data:/srv", expected "/host/path:/container/path"'],
  },
];

for (const { what, text, problems } of bad) {
  test(`checkDefinition() names line, path, current and expected value of ${what}`, () =>
    assert.deepEqual(problemsIn(text), problems));
}

test("checkDefinition() reports every problem at once, also those that span fields", () => {
  const text = good
    .replace(":v1.0.0", ":latest")
    .replace(
      'mode = "l7"',
      'mode = "l5"\nname = "a"\nextra = 1\n[[components.routes]]\nname = "a"\nport = 9443\nmode = "l4"',
    )
    .replace('web = "Dockerfile"', 'web = "Dockerfile"\nnope = "Dockerfile"');
  assert.deepEqual(problemsIn(text).map((line) => line.split(": ").slice(0, 2).join(" ")), [
    "line 6 build.images.nope",
    "line 10 components[0].image",
    "line 14 components[0].routes[0].mode",
    "line 16 components[0].routes[0].extra",
    "line 18 components[0].routes[1].name",
  ]);
});

test("checkDefinition() names line and column of text that is not TOML", () => {
  assert.throws(() => checkDefinition({ text: 'name = "web"\nnode = rift\n', path: "web.toml", service: "web" }), {
    code: "invalid-definition",
    message: /^Cannot read "web\.toml:2:\d+": .*, expected TOML$/,
  });
});

test("checkDefinition() throws nothing but invalid-definition, whatever the text", () => {
  check(property(string(), (text) => {
    problemsIn(text);
    problemsIn(`${good}\n${text}`);
  }));
});
