import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import process from "node:process";
import { z } from "zod";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { startTimeOf } from "./process-facts.ts";

const Holder = z.object({ pid: z.int().min(1), startTime: z.string() });
type Holder = z.infer<typeof Holder>;

/**
 * Holds a lock file until disposal. One that a process left behind by dying is taken over.
 *
 * @throws {PlatformError} conflict — when a living process holds it
 */
export async function acquireLock(path: string): Promise<AsyncDisposable> {
  await mkdir(dirname(path), { recursive: true });
  const own: Holder = { pid: process.pid, startTime: (await startTimeOf(process.pid)) ?? "" };
  for (let attempt = 0; attempt < 3; attempt++) {
    if (await tryCreate(path, own)) return { [Symbol.asyncDispose]: () => rm(path, { force: true }) };
    const holder = await readHolder(path);
    if (holder !== undefined && (await startTimeOf(holder.pid)) === holder.startTime) {
      throw new PlatformError(
        "conflict",
        `Cannot start the platform in "${
          dirname(path)
        }": process ${holder.pid} runs it, expected one at a time (stop it or choose another --dir)`,
        { details: { pid: holder.pid } },
      );
    }
    await rm(path, { force: true });
  }
  throw new PlatformError("conflict", `Cannot hold the lock "${path}": others take it at the same time, expected one`);
}

async function tryCreate(path: string, own: Holder): Promise<boolean> {
  try {
    await writeFile(path, JSON.stringify(own) + "\n", { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    return Holder.parse(JSON.parse(await readFile(path, "utf8")));
  } catch {
    return undefined;
  }
}
