import { generateKeyPairSync } from "node:crypto";
import { readFile } from "node:fs/promises";
import { writeFileAtomically } from "#shared/store/atomic-file.ts";

/** The key of the account at the CA, PKCS #8 PEM, kept in the file at `path` (0600); a new P-256 key when there is none. */
export async function loadAccountKey(path: string): Promise<string> {
  const kept = await readFile(path, "utf8").catch(() => undefined);
  if (kept !== undefined) return kept;
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  await writeFileAtomically(path, pem);
  return pem;
}
