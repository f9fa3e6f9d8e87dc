import { mkdtemp, readdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { selfTimes } from "./self-times.ts";

/** A folder for profiles; disposing it, after the program has ended, tells where the time went. */
export interface Profile extends AsyncDisposable {
  readonly folder: string;
}

const shownFunctions = 30;

/** A folder that stays, for the profile that Node writes when our program ends (`--cpu-prof`). */
export async function openProfile(bench: string): Promise<Profile> {
  const folder = await mkdtemp(join(tmpdir(), `mc-profile-${bench}-`));
  return { folder, [Symbol.asyncDispose]: () => tellProfiles(folder) };
}

async function tellProfiles(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    process.stderr.write(`profile: ${path} (open it in the DevTools of a browser); time in each function itself:\n`);
    const profile: unknown = JSON.parse(await readFile(path, "utf8"));
    for (const { label, percent } of selfTimes(profile).slice(0, shownFunctions)) {
      process.stderr.write(`${percent.toFixed(1).padStart(6)} %  ${label}\n`);
    }
  }
}
