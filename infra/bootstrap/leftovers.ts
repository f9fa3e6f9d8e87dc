import { readdir, readFile } from "node:fs/promises";
import process from "node:process";
import { z } from "zod";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import type { Log } from "#shared/log/log.ts";
import { writeFileAtomically } from "#shared/store/atomic-file.ts";
import { argumentsOf, startTimeOf } from "./process-facts.ts";

const KeptProcess = z.object({ program: z.string(), pid: z.int().min(1), startTime: z.string() });
type KeptProcess = z.infer<typeof KeptProcess>;

/** Remembers which processes `up` started, so that the next `up` can end those that outlived it. */
export interface ProcessRecord {
  /** Notes a start of a program. */
  add(program: string, pid: number): Promise<void>;
}

/** A record in a file; what it held before is forgotten. */
export function createProcessRecord(path: string): ProcessRecord {
  const kept = new Map<string, KeptProcess>();
  let writing: Promise<void> = Promise.resolve();
  return {
    add(program, pid) {
      writing = writing.then(async () => {
        kept.set(program, { program, pid, startTime: (await startTimeOf(pid)) ?? "" });
        await writeFileAtomically(path, JSON.stringify([...kept.values()]));
      });
      return writing;
    },
  };
}

/** Ends the processes of a record that still run, and waits until they have ended. */
export async function endLeftovers(path: string, log: Log): Promise<void> {
  for (const { program, pid, startTime } of await readRecord(path)) {
    if ((await startTimeOf(pid)) !== startTime) continue;
    log.warn("a program of an earlier run is still there and is ended", { program, pid });
    await endProcess(pid, startTime);
  }
}

/** Ends podman API services at this very socket, which an `up` that was killed leaves behind. */
export async function endPodmanServices(socketPath: string, log: Log): Promise<void> {
  for (const entry of await readdir("/proc")) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    const [executable = "", ...args] = await argumentsOf(pid);
    if (!executable.endsWith("podman") || args.at(-1) !== `unix://${socketPath}`) continue;
    log.warn("a podman service of an earlier run is still there and is ended", { pid });
    await endProcess(pid, await startTimeOf(pid));
  }
}

async function readRecord(path: string): Promise<KeptProcess[]> {
  try {
    return z.array(KeptProcess).parse(JSON.parse(await readFile(path, "utf8")));
  } catch {
    return [];
  }
}

async function endProcess(pid: number, startTime: string | undefined): Promise<void> {
  const isGone = async () => startTime === undefined || (await startTimeOf(pid)) !== startTime || undefined;
  for (const [signal, timeoutMs] of [["SIGTERM", 5_000], ["SIGKILL", 5_000]] as const) {
    if (await isGone()) return;
    sendSignal(pid, signal);
    const gone = await waitUntil(isGone, { action: `end process ${pid}`, timeoutMs, intervalMs: 20 }).catch(() =>
      undefined
    );
    if (gone !== undefined) return;
  }
}

function sendSignal(pid: number, signal: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(pid, signal);
  } catch {
    return; // it has ended meanwhile
  }
}
