import assert from "node:assert/strict";
import { test } from "node:test";
import { commandTree } from "./command-tree.ts";
import { createSandbox } from "./testing/sandbox.ts";

test("runCli() shows the commands when none is named, on stdout", async () => {
  await using sandbox = await createSandbox();
  for (const words of [[], ["--help"], ["-h"]]) {
    const { exitCode, stdout, stderr } = await sandbox.run(words);
    assert.deepEqual([exitCode, stderr], [0, ""]);
    // Guide §8.
    for (
      const name of ["build", "sync", "deploy", "undeploy", "stop", "start", "restart", "ps", "status", "logs", "edit"]
    ) {
      assert.match(stdout, new RegExp(`\n  ${name}\\b`));
    }
    assert.ok(!stdout.includes("__complete"));
  }
  assert.match((await sandbox.run(["node"])).stdout, /\n {2}list +List nodes\n/);
});

test("runCli() shows help with examples for every command", async () => {
  await using sandbox = await createSandbox();
  for (const { name, examples = [] } of commandTree) {
    const { exitCode, stdout } = await sandbox.run([name, "-h"]);
    assert.equal(exitCode, 0);
    assert.match(stdout, /--json /);
    for (const example of examples) assert.ok(stdout.includes(`  $ ${example}\n`), example);
  }
});

test("runCli() tells wrong usage with exit code 2, the closest word and the help to read", async () => {
  await using sandbox = await createSandbox();
  const cases = [
    [
      ["deplyo", "web"],
      'Error: Cannot read the command line: unknown command "deplyo" (Did you mean deploy?)\nRun: mcp --help\n',
    ],
    [["deploy"], 'Error: Cannot read the command line: missing required argument "service"\nRun: mcp deploy --help\n'],
    [["ps", "web"], /too many arguments/],
    [["ps", "--jsom"], /unknown option "--jsom" \(Did you mean --json\?\)/],
    [["node", "lst"], /unknown command "lst" \(Did you mean list\?\)/],
  ] as const;
  for (const [words, expected] of cases) {
    const { exitCode, stdout, stderr } = await sandbox.run(words);
    assert.equal(exitCode, 2);
    assert.equal(stdout, "");
    if (typeof expected === "string") assert.equal(stderr, expected);
    else assert.match(stderr, expected);
  }
});

test("runCli() writes errors as one JSON object under --json, wherever it stands", async () => {
  await using sandbox = await createSandbox();
  sandbox.fake.isDown = true;
  for (const words of [["ps", "--json"], ["--json", "ps"]]) {
    const { exitCode, stderr } = await sandbox.run(words);
    assert.equal(exitCode, 1);
    const { code, message, next } = JSON.parse(stderr);
    assert.equal(code, "unavailable");
    assert.match(message, /^Cannot list instances: http:\/\/platform\.test cannot be reached: connect ECONNREFUSED/);
    assert.match(next, /^start the platform/);
  }
  assert.equal(JSON.parse((await sandbox.run(["deplyo", "--json"])).stderr).code, "invalid-usage");
});

test("runCli() prints the version, as JSON too", async () => {
  await using sandbox = await createSandbox();
  assert.match((await sandbox.run(["version"])).stdout, /^mcp \d+\.\d+\.\d+ \((node|deno) .*\)\n$/);
  assert.match((await sandbox.run(["--version"])).stdout, /^mcp /);
  assert.match(JSON.parse((await sandbox.run(["version", "--json"])).stdout).version, /^\d+\.\d+\.\d+$/);
});

test("runCli() names unknown keys of the configuration", async () => {
  await using sandbox = await createSandbox();
  await sandbox.write(".config/mcp/mcp.toml", '[api]\nurl = "http://other.test"\n[bild]\n');
  const { exitCode, stderr } = await sandbox.run(["ps"]);
  assert.equal(exitCode, 2);
  assert.match(stderr, /Cannot use the configuration ".*mcp\.toml": .*bild/);
});
