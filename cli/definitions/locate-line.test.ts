import assert from "node:assert/strict";
import { test } from "node:test";
import { locateLine } from "./locate-line.ts";

const text = `# a comment
name = "web"
[build.images]
"web" = "Dockerfile"
[[components]]
name = "api"
  [[components.routes]]
  port = 1
  [[components.routes]]
  port = 2
[[components]]
health.path = "/up"
  [[components.routes]]
  port = 3
`;

const cases: readonly (readonly [(string | number)[], number | undefined])[] = [
  [["name"], 2],
  [["build", "images", "web"], 4],
  [["components", 0, "name"], 6],
  [["components", 0, "routes", 1, "port"], 10],
  [["components", 1, "routes", 0, "port"], 14],
  [["components", 1, "health", "path"], 12],
  [["components", 1, "name"], 11],
  [["components", 0, "routes", 0, "mode"], 7],
  [["node"], undefined],
];

for (const [path, line] of cases) {
  test(`locateLine() finds ${path.join(".")}, or the table around it`, () =>
    assert.equal(locateLine(text, path), line));
}
