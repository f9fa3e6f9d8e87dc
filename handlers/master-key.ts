import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { masterKeyBytes } from "#shared/store/sealed-box.ts";

/** Where the master key comes from. */
export interface MasterKeySource {
  /** Base64 of 32 bytes; wins over the file. */
  readonly variable: string | undefined;
  /** A 0600 file, made with a random key when it is missing. */
  readonly path: string;
}

/**
 * The key that secrets at rest are encrypted with.
 *
 * @throws {PlatformError} invalid-config — when what is there is not 32 bytes in base64
 */
export async function loadMasterKey({ variable, path }: MasterKeySource): Promise<Uint8Array> {
  if (variable !== undefined) return parseMasterKey(variable, "$MASTER_KEY");
  const kept = await readKept(path);
  if (kept !== undefined) return parseMasterKey(kept, path);
  await createKeyFile(path);
  return parseMasterKey(await readFile(path, "utf8"), path);
}

/** A link fails when another process was faster: its key stays. */
async function createKeyFile(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  await writeFile(temporary, randomBytes(masterKeyBytes).toString("base64") + "\n", {
    mode: 0o600,
    flag: "wx",
    flush: true,
  });
  try {
    await link(temporary, path);
  } catch (error) {
    if ((await readKept(path)) === undefined) throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

/** A file that is there but cannot be read must not be replaced by a new key. */
async function readKept(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    throw new PlatformError("invalid-config", `Cannot read the master key "${path}": it is not readable`, { cause });
  }
}

function parseMasterKey(text: string, source: string): Uint8Array {
  const bytes = Buffer.from(text.trim(), "base64");
  if (bytes.length === masterKeyBytes) return new Uint8Array(bytes);
  throw new PlatformError(
    "invalid-config",
    `Cannot use the master key in "${source}": it has ${bytes.length} bytes, expected ${masterKeyBytes} bytes in base64`,
  );
}
