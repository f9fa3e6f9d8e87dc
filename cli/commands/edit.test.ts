import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { createSandbox, definitionText, type Sandbox } from "../testing/sandbox.ts";

const file = ".config/mcp/services/web.toml";

/** An editor that appends a line, or does nothing when the line is empty. */
async function writeEditor(sandbox: Sandbox, line: string): Promise<Record<string, string>> {
  await sandbox.write("editor.sh", line === "" ? "exit 0\n" : `echo '${line}' >> "$2"\n`);
  return { EDITOR: `sh ${join(sandbox.dir, "editor.sh")} --wait` };
}

test("edit() opens $EDITOR, arguments included, and checks the text afterwards", async () => {
  await using sandbox = await createSandbox();
  await sandbox.write(file, definitionText("web"));
  const { exitCode, stdout, stderr } = await sandbox.run(["edit", "web"], {
    env: await writeEditor(sandbox, 'name = "rest"'),
  });
  assert.equal(exitCode, 0, stderr);
  assert.match(stdout, /^Saved .*\/web\.toml\nNext: mcp deploy web\n$/);
  const nothing = await sandbox.run(["edit", "web"], { env: await writeEditor(sandbox, "") });
  assert.match(nothing.stdout, /is unchanged\n$/);
});

test("edit() keeps a broken text and says so", async () => {
  await using sandbox = await createSandbox();
  await sandbox.write(file, definitionText("web"));
  const { exitCode, stderr } = await sandbox.run(["edit", "web"], { env: await writeEditor(sandbox, "mod = 1") });
  assert.equal(exitCode, 1);
  assert.match(stderr, /line 14: components\[0\]\.routes\[0\]\.mod: is not a field, did you mean "mode"\?/);
  assert.match(stderr, /The text is kept as you left it\nRun: mcp edit web\n$/);
  assert.match(await sandbox.read(file), /mod = 1\n$/);
});

test("edit() begins a new definition with a template, which goes away when it is left as it is", async () => {
  await using sandbox = await createSandbox();
  await sandbox.run(["edit", "web"], { env: await writeEditor(sandbox, "") });
  await assert.rejects(sandbox.read(file), { code: "ENOENT" });
  const { exitCode } = await sandbox.run(["edit", "web"], { env: await writeEditor(sandbox, "# mine") });
  assert.equal(exitCode, 0);
  assert.match(await sandbox.read(file), /^name = "web"\n.*# mine\n$/s);
});

test("edit() prefers $VISUAL, and reports an editor that fails", async () => {
  await using sandbox = await createSandbox();
  const env = { ...await writeEditor(sandbox, "# mine"), VISUAL: "false" };
  const { exitCode, stderr } = await sandbox.run(["edit", "web"], { env });
  assert.equal(exitCode, 2);
  assert.match(stderr, /the editor "false" ended with 1, expected 0\nNext: set \$VISUAL or \$EDITOR/);
  await assert.rejects(sandbox.read(file), { code: "ENOENT" });
});

test("edit() refuses a name that would lead out of the folder", async () => {
  await using sandbox = await createSandbox();
  assert.equal((await sandbox.run(["edit", "../../x"])).exitCode, 2);
});

test("edit() begins a new definition for the platform's own registry, port and node", async () => {
  await using sandbox = await createSandbox();
  const config = await sandbox.read(".config/mcp/mcp.toml");
  await sandbox.write(
    ".config/mcp/mcp.toml",
    `${config}[services]\nregistry = "mcr.svc.mcp.localhost:9000"\n[[nodes]]\nname = "local"\n`,
  );
  await sandbox.run(["edit", "web"], { env: await writeEditor(sandbox, "# mine") });
  const text = await sandbox.read(file);
  assert.match(text, /^node = "local"$/m);
  assert.match(text, /^image = "mcr\.svc\.mcp\.localhost:9000\/web:v1\.0\.0"$/m);
  assert.match(text, /^port = 9000$/m);
});

test("edit() puts a definition back that the editor removed", async () => {
  await using sandbox = await createSandbox();
  await sandbox.write(file, definitionText("web"));
  const { exitCode, stderr } = await sandbox.run(["edit", "web"], { env: { EDITOR: "rm" } });
  assert.equal(exitCode, 2);
  assert.match(stderr, /the editor removed it, expected it there \(it is put back\)/);
  assert.equal(await sandbox.read(file), definitionText("web"));
});
