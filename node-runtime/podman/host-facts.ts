import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { HostFacts } from "./containers-conf.ts";

const programFolders = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/bin", "/sbin"];

/** The facts of this machine and process that podman's configuration depends on. */
export function readHostFacts(): HostFacts {
  const limits = readFileSync("/proc/self/limits", "utf8");
  return {
    cgroups: readCgroupMode(),
    hasCrun: isInstalled("crun"),
    maxOpenFiles: parseHardLimit(limits, "Max open files"),
    maxProcesses: parseHardLimit(limits, "Max processes"),
    pidMax: Number.parseInt(readFileSync("/proc/sys/kernel/pid_max", "utf8"), 10),
    hasSystemd: existsSync("/run/systemd/system"),
  };
}

/** Whether a program is in one of the usual folders. */
export function isInstalled(program: string): boolean {
  return programFolders.some((folder) => existsSync(join(folder, program)));
}

/** The hard limit named `name` in the text of `/proc/<pid>/limits` (proc(5)); `undefined` when unlimited or unknown. */
export function parseHardLimit(limits: string, name: string): number | undefined {
  const line = limits.split("\n").find((candidate) => candidate.startsWith(name));
  const hard = line?.slice(name.length).trim().split(/\s+/)[1];
  return hard === undefined || hard === "unlimited" ? undefined : Number.parseInt(hard, 10);
}

function readCgroupMode(): HostFacts["cgroups"] {
  if (existsSync("/sys/fs/cgroup/cgroup.controllers")) return "v2";
  return existsSync("/sys/fs/cgroup/unified/cgroup.controllers") ? "hybrid" : "v1";
}
