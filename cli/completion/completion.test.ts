import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { commandTree } from "../command-tree.ts";
import { createSandbox, definitionText, type Sandbox } from "../testing/sandbox.ts";
import { listCompletions } from "./completions.ts";

function isInstalled(shell: string): boolean {
  return spawnSync(shell, ["-c", "true"]).status === 0;
}

/** A sandbox with the script of a shell, and an `mcp` that knows the services `api` and `web`. */
async function createShellSandbox(shell: string): Promise<Sandbox> {
  const sandbox = await createSandbox();
  const { exitCode, stdout } = await sandbox.run(["completion", shell]);
  assert.equal(exitCode, 0);
  await sandbox.write("script", stdout);
  await sandbox.write("bin/mcp", '#!/bin/sh\n[ "$*" = "__complete services" ] && printf "api\\nweb\\n"\n');
  const { status } = spawnSync("chmod", ["+x", join(sandbox.dir, "bin/mcp")]);
  assert.equal(status, 0);
  return sandbox;
}

/** Lines that a shell prints for a program. */
function evaluate(sandbox: Sandbox, shell: string, words: readonly string[]): string[] {
  const env = { PATH: `${join(sandbox.dir, "bin")}:${process.env["PATH"] ?? ""}`, HOME: sandbox.dir };
  const { status, stdout, stderr } = spawnSync(shell, [...words], { env, cwd: sandbox.dir, encoding: "utf8" });
  assert.equal(status, 0, stderr);
  assert.equal(stderr, "");
  return stdout.split("\n").map((line) => line.split("\t")[0] ?? "").filter((line) => line !== "").toSorted();
}

for (const shell of ["bash", "zsh", "fish"]) {
  test(`completion() gives a script that ${shell} accepts`, async (t) => {
    if (!isInstalled(shell)) return t.skip(`${shell} is not installed`);
    await using sandbox = await createShellSandbox(shell);
    evaluate(sandbox, shell, ["-n", "script"]);
  });
}

const cases: readonly (readonly [readonly string[], readonly string[]])[] = [
  [["sta"], ["start", "status"]],
  [["deploy", ""], ["api", "web"]],
  [["deploy", "w"], ["web"]],
  [["node", ""], ["list"]],
  [["route", ""], ["add", "list", "remove"]],
  [["firewall", "country", ""], ["block", "unblock"]],
  [["firewall", "shadow", "d"], ["default"]],
  [["service", "show", "a"], ["api"]],
  [["completion", ""], ["bash", "fish", "zsh"]],
  [["sync", "--d"], ["--dry-run"]],
];

for (const [words, expected] of cases) {
  test(`the bash script completes "mcp ${words.join(" ")}" with ${expected.join(", ")}`, async (t) => {
    if (!isInstalled("bash")) return t.skip("bash is not installed");
    await using sandbox = await createShellSandbox("bash");
    const program = `source ./script; COMP_WORDS=(mcp "$@"); COMP_CWORD=$#; _mcp; printf '%s\\n' "\${COMPREPLY[@]}"`;
    assert.deepEqual(evaluate(sandbox, "bash", ["-c", program, "bash", ...words]), expected);
  });

  test(`the fish script completes "mcp ${words.join(" ")}" with ${expected.join(", ")}`, async (t) => {
    if (!isInstalled("fish")) return t.skip("fish is not installed");
    await using sandbox = await createShellSandbox("fish");
    const line = ["mcp", ...words].join(" ");
    assert.deepEqual(evaluate(sandbox, "fish", ["-c", `source ./script; complete -C "${line}"`]), expected);
  });
}

test("mcp __complete prints the names of the defined services, and nothing when something is wrong", async () => {
  await using sandbox = await createSandbox();
  await sandbox.write(".config/mcp/services/web.toml", definitionText("web"));
  await sandbox.write(".config/mcp/services/api.toml", "broken");
  assert.deepEqual(await sandbox.run(["__complete", "services"]), { exitCode: 0, stdout: "api\nweb\n", stderr: "" });
  assert.deepEqual(await sandbox.run(["__complete", "services", "--config", "/nonexistent"]), {
    exitCode: 0,
    stdout: "",
    stderr: "",
  });
});

test("listCompletions() has every visible command, and no hidden one", () => {
  const paths = listCompletions(commandTree).map(({ words }) => words.join(" "));
  for (const path of ["", "deploy", "service show", "node list", "completion"]) assert.ok(paths.includes(path), path);
  assert.ok(!paths.includes("__complete"));
});

test("completion() refuses an unknown shell", async () => {
  await using sandbox = await createSandbox();
  const { exitCode, stderr } = await sandbox.run(["completion", "tcsh"]);
  assert.equal(exitCode, 2);
  assert.match(stderr, /Cannot complete for "tcsh": it is not known, expected one of: bash, zsh, fish/);
});
