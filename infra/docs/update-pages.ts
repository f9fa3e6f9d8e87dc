import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomically } from "#shared/store/atomic-file.ts";

/** The names of the pages whose files in `folder` say something else, or are missing. */
export async function listStalePages(folder: string, pages: Readonly<Record<string, string>>): Promise<string[]> {
  const stale: string[] = [];
  for (const [name, text] of Object.entries(pages)) {
    const written = await readFile(join(folder, name), "utf8").catch(() => undefined);
    if (written !== text) stale.push(name);
  }
  return stale;
}

/** Writes the stale pages and gives their names. */
export async function updatePages(folder: string, pages: Readonly<Record<string, string>>): Promise<string[]> {
  const stale = await listStalePages(folder, pages);
  for (const name of stale) await writeFileAtomically(join(folder, name), pages[name] ?? "", 0o644);
  return stale;
}
