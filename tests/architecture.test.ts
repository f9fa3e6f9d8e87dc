import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { rules } from "./architecture/rules.ts";
import { parseSource, sourceFolders } from "./architecture/source-file.ts";

/** This file holds violations on purpose. */
const self = "tests/architecture.test.ts";
const root = `${import.meta.dirname}/..`;
const files = globSync(`{${sourceFolders.join(",")}}/**/*.{ts,tsx,mjs}`, { cwd: root })
  .map((path) => path.replaceAll("\\", "/"))
  .filter((path) => path !== self)
  .map((path) => parseSource(path, readFileSync(`${root}/${path}`, "utf8")));

for (const { name, check } of rules) {
  test(`source: ${name}`, () => {
    const problems = files.flatMap((file) => check(file).map((problem) => `${file.path} ${problem}`));
    assert.deepEqual(problems, []);
  });
}

test("source: the scanner sees the whole tree", () => {
  assert.ok(files.length > 100);
  for (const folder of ["shared", "handlers", "node-runtime"]) {
    assert.ok(files.some(({ path }) => path.startsWith(folder)));
  }
});

/** One violation a line: where it would stand, the source, and what the rules must say. */
const violations: readonly (readonly [path: string, source: string, problem: string])[] = [
  ["handlers/mcp/app.ts", 'import { x } from "../mcias/app.ts";', "imports handlers/mcias/app.ts"],
  ["handlers/mcp/app.ts", 'import { x } from "../main.ts";', "imports handlers/main.ts"],
  ["handlers/mcp/domain/x.test.ts", 'import type { x } from "../../mcr/app.ts";', "imports handlers/mcr/app.ts"],
  ["edge-proxy/relay.ts", 'import {\n  a,\n  b,\n} from "../node-runtime/dns/x.ts";', "imports node-runtime/dns/x.ts"],
  ["edge-proxy/relay.ts", 'import "../cli/main.ts";', "imports cli/main.ts"],
  ["node-runtime/dns/x.ts", 'import { x } from "../podman/podman.ts";', "imports node-runtime/podman/podman.ts"],
  ["node-runtime/podman/x.ts", 'import { x } from "../agent/agent.ts";', "imports node-runtime/agent/agent.ts"],
  ["cli/x.ts", 'const x = await import("../handlers/mcp/app.ts");', "imports handlers/mcp/app.ts"],
  ["shared/feed/x.ts", 'export { x } from "../../handlers/mcp/app.ts";', "imports handlers/mcp/app.ts"],
  ["shared/feed/x.ts", 'import { x } from "../../infra/x.ts";', "imports infra/x.ts"],
  ["cli/x.ts", 'import { x } from "./testing/sandbox.ts";', "imports cli/testing/sandbox.ts"],
  [
    "handlers/mcp/store.ts",
    'import { x } from "#shared/store/temporary-database.ts";',
    "imports shared/store/temporary-database.ts",
  ],
  ["handlers/mcp/domain/x.ts", 'import { readFile } from "node:fs/promises";', "imports node:fs/promises"],
  ["handlers/mcp/domain/x.ts", 'import process from "node:process";', "imports node:process"],
  ["handlers/mcp/domain/x.ts", 'import { Hono } from "hono";', "imports hono"],
  ["handlers/mcp/domain/x.ts", 'import { createClient } from "@libsql/client";', "imports @libsql/client"],
  ["handlers/mcp/domain/x.ts", 'import { connect, isIP } from "node:net";', "imports connect"],
  ["handlers/mcp/domain/x.ts", "const at = Date.now();", "reads the clock"],
  ["handlers/mcp/domain/x.ts", "const at = new Date();", "reads the clock"],
  ["handlers/mcp/domain/x.ts", "const id = randomUUID();", "draws at random"],
  ["handlers/mcp/domain/x.ts", "const n = Math.random();", "draws at random"],
  ["handlers/mcp/domain/x.ts", "setTimeout(f, 1);", "waits"],
  ["handlers/mcp/app.ts", 'const level = process.env["LEVEL"];', "reads process.env or process.argv"],
  ["edge-proxy/start.ts", "const [, name] = process.argv;", "reads process.env or process.argv"],
  ["handlers/mcp/app.ts", "export const keys = await readKeys();", "awaits at the top level"],
  ["handlers/mcp/app.ts", "const server = createServer(handle);", "opens a socket or a database at the top level"],
  ["node-runtime/dns/x.ts", "server.listen(53);", "opens a socket or a database at the top level"],
  ["handlers/mcp/app.ts", "function f() {\n  return openDatabase(options);\n}", "opens a database"],
  ["cli/x.ts", "Deno.exit(1);", "uses Deno.*"],
  ["cli/x.ts", 'import { parse } from "jsr:@std/toml";', "imports jsr:@std/toml"],
  ["cli/x.ts", 'export * as x from "https://example.net/x.ts";', "imports https://example.net/x.ts"],
  ["cli/x.ts", 'export * from "./y.ts";', "exports everything of another file"],
  ["cli/index.ts", "export const x = 1;", "is an index file"],
  ["cli/x.ts", "export default 1;", "exports a default"],
  ["cli/x.ts", "f();\n".repeat(401), "has 401 code lines"],
  ["cli/x.ts", "export function f() {}", "exports f without a comment"],
  ["shared/x.ts", "/** Documented. */\nexport const a = 1;\nexport const b = 1;", "exports b without a comment"],
  ["cli/fooBar.ts", "", "has another name"],
];

for (const [path, source, problem] of violations) {
  test(`rules report that ${path} ${problem}`, () => {
    const file = parseSource(path, source);
    assert.ok(rules.flatMap(({ check }) => check(file)).includes(problem));
  });
}

const allowed: readonly (readonly [path: string, source: string])[] = [
  [
    "handlers/mcp/app.ts",
    'import { x } from "#shared/feed/feed-hub.ts";\nimport { y } from "./routes/y.ts";\nimport { z } from "zod";',
  ],
  [
    "handlers/main.ts",
    'import { x } from "./mcp/app.ts";\nimport { y } from "./mcias/app.ts";\nconst level = process.env["LEVEL"];',
  ],
  ["node-runtime/agent/x.ts", 'import { x } from "../podman/podman.ts";'],
  [
    "handlers/mcp/domain/x.ts",
    'import { isIPv4 } from "node:net";\nimport { createHash } from "node:crypto";\nconst at = new Date(0);',
  ],
  ["handlers/mcp/start.ts", "/** Opens it. */\nexport async function start() {\n  return await openDatabase({});\n}"],
  [
    "cli/x.ts",
    '// Deno.exit(1) would not do\nconst text = "process.env and Deno.exit()";\nconst url = "https://example.net";',
  ],
  ["node-runtime/podman/x.ts", "function f() {\n  spawn(program, { env: { ...process.env, ...extra } });\n}"],
  ["cli/x.ts", "/* f();\n".repeat(500) + "*/"],
  ["shared/x.ts", "/** One. */\nexport function f(a: string): void;\nexport function f(a: number): void;"],
];

for (const [path, source] of allowed) {
  test(`rules allow in ${path}: ${source.split("\n").at(-1)?.slice(0, 40)}`, () => {
    const file = parseSource(path, source);
    assert.deepEqual(rules.flatMap(({ check }) => check(file)), []);
  });
}
