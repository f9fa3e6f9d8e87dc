import { readFile } from "node:fs/promises";
import { AccountName } from "#shared/contract/names.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { connect } from "../platform/connect.ts";
import { writeToken } from "../platform/token-file.ts";
import { printData } from "../render/print.ts";
import { createPrompt, type Prompt, readAll } from "../render/prompt.ts";
import { type Cli, type CommandInput, hasFlag, textOption } from "../world.ts";

/** Longest password that is read, in characters; MCIAS has its own limit. */
const maxPasswordLength = 1024;

/** Logs in to MCIAS and stores the token, 0600. The password comes from the terminal, a file or stdin, never from an argument. */
export async function login(cli: Cli, input: CommandInput): Promise<void> {
  using platform = await connect(cli);
  const prompt = createPrompt(cli);
  const username = await readUsername(cli, input, prompt);
  const password = await readPassword(cli, input, prompt);
  const { token, expiresAt } = await platform.anonymousMcias.login({
    body: { username, password },
    signal: cli.interrupt,
  });
  await writeToken(platform.config.tokenPath, token);
  printData(
    cli,
    { username, expiresAt, tokenPath: platform.config.tokenPath },
    (style) => `${style.green("Logged in")} to ${platform.apiUrl} as ${style.bold(username)} until ${expiresAt}\n`,
  );
}

async function readUsername(cli: Cli, input: CommandInput, prompt: Prompt): Promise<string> {
  const given = textOption(input, "username");
  if (given === undefined && !cli.stdin.isTTY) throw toNoTerminal("user name", "--username");
  const username = given ?? (await prompt.ask("User name")).trim();
  if (AccountName.safeParse(username).success) return username;
  throw new PlatformError(
    "invalid-usage",
    `Cannot log in as "${username}": it is no account name, expected lower-case letters, digits, '.', '_', '@', '-'`,
  );
}

async function readPassword(cli: Cli, input: CommandInput, prompt: Prompt): Promise<string> {
  const file = textOption(input, "passwordFile");
  const isPiped = hasFlag(input, "passwordStdin");
  if (file !== undefined && isPiped) {
    throw new PlatformError(
      "invalid-usage",
      "Cannot log in: --password-file and --password-stdin are both given, expected one of them",
    );
  }
  if (file !== undefined) return withoutLineEnd(await readPasswordFile(file));
  if (isPiped) return withoutLineEnd(await readAll(cli.stdin, maxPasswordLength));
  if (!cli.stdin.isTTY) throw toNoTerminal("password", "--password-file or --password-stdin");
  return nonEmpty(await prompt.askSecret("Password"));
}

async function readPasswordFile(path: string): Promise<string> {
  return await readFile(path, "utf8").catch((cause: unknown) => {
    throw new PlatformError(
      "invalid-usage",
      `Cannot read the password file "${path}": it is not readable, expected a file with one line`,
      { cause },
    );
  });
}

function withoutLineEnd(text: string): string {
  return nonEmpty(text.replace(/\r?\n$/, ""));
}

function nonEmpty(password: string): string {
  if (password !== "") return password;
  throw new PlatformError("invalid-usage", "Cannot log in: the password is empty, expected at least one character");
}

function toNoTerminal(what: string, flags: string): PlatformError {
  return new PlatformError("invalid-usage", `Cannot ask for the ${what}: stdin is no terminal, expected ${flags}`);
}
