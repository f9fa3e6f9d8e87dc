import { readFile, rm } from "node:fs/promises";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { writeFileAtomically } from "#shared/store/atomic-file.ts";
import { hasCode } from "./system-error.ts";

/** The stored token, or `undefined` when nobody is logged in. */
export async function readToken(path: string): Promise<string | undefined> {
  try {
    const token = (await readFile(path, "utf8")).trim();
    return token === "" ? undefined : token;
  } catch (cause) {
    if (hasCode(cause, "ENOENT")) return undefined;
    throw new PlatformError(
      "invalid-config",
      `Cannot read the token "${path}": it is not readable, expected a file of your own`,
      { cause },
    );
  }
}

/** Stores the token so that only its owner can read it (0600). */
export async function writeToken(path: string, token: string): Promise<void> {
  try {
    await writeFileAtomically(path, `${token}\n`);
  } catch (cause) {
    throw new PlatformError(
      "invalid-config",
      `Cannot store the token in "${path}": it is not writable, expected a file of your own`,
      { cause },
    );
  }
}

/** Deletes the stored token, if there is one. */
export async function deleteToken(path: string): Promise<void> {
  await rm(path, { force: true });
}
