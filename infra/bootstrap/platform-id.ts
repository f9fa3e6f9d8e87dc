import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { writeFileAtomically } from "#shared/store/atomic-file.ts";

/** The id of the platform in a folder, made at first boot; its containers carry it as the label `mcp.platform`. */
export async function loadPlatformId(path: string): Promise<string> {
  const kept = (await readFile(path, "utf8").catch(() => "")).trim();
  if (/^[a-z0-9]{8,32}$/.test(kept)) return kept;
  const id = randomBytes(6).toString("hex");
  await writeFileAtomically(path, `${id}\n`);
  return id;
}
