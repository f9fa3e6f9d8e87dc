import { spawn } from "node:child_process";
import { rm } from "node:fs/promises";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { writeFileAtomically } from "#shared/store/atomic-file.ts";
import { checkDefinition } from "../definitions/check-definition.ts";
import { definitionPath, findDefinitionText } from "../definitions/definition-files.ts";
import { newDefinitionText } from "../definitions/new-definition-text.ts";
import { loadCliConfig } from "../platform/config.ts";
import { printData } from "../render/print.ts";
import { argumentAt, type Cli, type CommandInput } from "../world.ts";

/**
 * Opens a service's definition in `$VISUAL` or `$EDITOR` and checks it afterwards. A text with problems is kept, and its problems are
 * the error. A service without a definition begins with a template, which goes away again when it is left as it is.
 */
export async function edit(cli: Cli, input: CommandInput): Promise<void> {
  const config = await loadCliConfig(cli);
  const service = argumentAt(input, 0);
  const path = definitionPath(config.servicesDir, service);
  const before = await findDefinitionText(config.servicesDir, service);
  const start = before ?? newDefinitionText({ service, ...config.newDefinition });
  if (before === undefined) await writeFileAtomically(path, start, 0o644);
  await runEditor(cli, path).catch(async (error: unknown) => {
    if (before === undefined && await findDefinitionText(config.servicesDir, service) === start) {
      await rm(path, { force: true });
    }
    throw error;
  });
  const after = await findDefinitionText(config.servicesDir, service);
  if (after === undefined && before !== undefined) {
    await writeFileAtomically(path, before, 0o644);
    throw new PlatformError(
      "cancelled",
      `Cannot edit "${path}": the editor removed it, expected it there (it is put back)`,
    );
  }
  if (after === undefined || after === start) {
    if (before === undefined) await rm(path, { force: true });
    const outcome = before === undefined ? "is not kept: the template was left as it is" : "is unchanged";
    return printData(cli, { service, path, changed: false }, () => `${path} ${outcome}\n`);
  }
  checkEdited({ text: after, path, service });
  printData(
    cli,
    { service, path, changed: true },
    (style) => `${style.green("Saved")} ${path}\nNext: mcp deploy ${service}\n`,
  );
}

function checkEdited(source: Parameters<typeof checkDefinition>[0]): void {
  try {
    checkDefinition(source);
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    throw new PlatformError(error.code, `${error.message}\nThe text is kept as you left it`, {
      details: error.details,
    });
  }
}

async function runEditor(cli: Cli, path: string): Promise<void> {
  const editor = cli.env["VISUAL"] || cli.env["EDITOR"] || "vi";
  // The shell splits an editor with arguments, such as "code --wait"; the path is passed beside, never inside, its text.
  const child = spawn("sh", ["-c", `${editor} "$1"`, "sh", path], { stdio: "inherit", env: cli.env });
  const { promise, resolve, reject } = Promise.withResolvers<number | string>();
  child.on("error", reject);
  child.on("close", (code, signal) => resolve(code ?? signal ?? "an unknown status"));
  const status = await promise;
  if (status === 0) return;
  throw new PlatformError(
    "cancelled",
    `Cannot edit "${path}": the editor "${editor}" ended with ${status}, expected 0`,
    {
      details: { next: "set $VISUAL or $EDITOR to an editor, then run the same command again" },
    },
  );
}
