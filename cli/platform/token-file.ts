import { readFile, rm } from "node:fs/promises";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { writeFileAtomically } from "#shared/store/atomic-file.ts";
import { hasCode } from "./system-error.ts";

/** Longest token that a header may hold, in characters; those of MCIAS have about 500. */
const maxTokenLength = 8192;

/**
 * The stored token, or `undefined` when nobody is logged in.
 *
 * @throws {PlatformError} unauthenticated — when the file holds something else, which is not repeated; invalid-config — when it
 *   cannot be read
 */
export async function readToken(path: string): Promise<string | undefined> {
  const token = (await readText(path))?.trim() ?? "";
  if (token === "") return undefined;
  // Only what RFC 6750 §2.1 allows: anything else would fail in the header, with an error that shows it.
  if (token.length <= maxTokenLength && /^[A-Za-z0-9._~+/=-]+$/.test(token)) return token;
  throw new PlatformError("unauthenticated", `Cannot use the token in "${path}": it is no token, expected a new login`);
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
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
