import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** What {@link renderContainersConf} respects. */
export interface ProcessLimits {
  /** Hard limit of open files. */
  readonly openFiles: number;
  /** Hard limit of processes. */
  readonly processes: number;
  /** `/proc/sys/kernel/pid_max`. */
  readonly pidMax: number;
}

/**
 * A `containers.conf` with which podman works where CAP_SYS_RESOURCE is missing or cgroups are mixed: `runc`, and limits that the kernel
 * lets this process set.
 */
export function renderContainersConf({ openFiles, processes, pidMax }: ProcessLimits): string {
  const nofile = Math.min(20_000, openFiles);
  const nproc = Math.min(32_768, processes, pidMax);
  return `[containers]
default_ulimits = ["nofile=${nofile}:${nofile}", "nproc=${nproc}:${nproc}"]

[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
`;
}

/** The limits of this process. */
export async function readProcessLimits(): Promise<ProcessLimits> {
  const limits = await readFile("/proc/self/limits", "utf8");
  const hard = (name: string) => {
    const value = new RegExp(`^${name}\\s+\\S+\\s+(\\S+)`, "m").exec(limits)?.[1];
    return value === undefined || value === "unlimited" ? Number.MAX_SAFE_INTEGER : Number(value);
  };
  return {
    openFiles: hard("Max open files"),
    processes: hard("Max processes"),
    pidMax: Number(await readFile("/proc/sys/kernel/pid_max", "utf8")),
  };
}

/** Environment under which podman keeps everything it writes in a folder. */
export async function preparePodman(
  folder: string,
): Promise<{ readonly env: Record<string, string>; readonly globalArgs: readonly string[] }> {
  const containersConf = join(folder, "containers.conf");
  await writeFile(containersConf, renderContainersConf(await readProcessLimits()));
  return {
    env: { CONTAINERS_CONF: containersConf, REGISTRY_AUTH_FILE: join(folder, "auth.json") },
    globalArgs: ["--root", join(folder, "storage"), "--runroot", join(folder, "run"), "--storage-driver", "vfs"],
  };
}
