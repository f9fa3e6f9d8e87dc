/** What this machine allows, as far as podman's configuration depends on it. */
export interface HostFacts {
  /** How control groups are mounted. */
  readonly cgroups: "v1" | "hybrid" | "v2";
  /** Whether the OCI runtime crun is installed. */
  readonly hasCrun: boolean;
  /** Hard limit of open files; `undefined` when there is none. */
  readonly maxOpenFiles: number | undefined;
  /** Hard limit of processes; `undefined` when there is none. */
  readonly maxProcesses: number | undefined;
  /** The kernel's `pid_max`. */
  readonly pidMax: number;
  /** Whether systemd is the init of this machine. */
  readonly hasSystemd: boolean;
}

/** Highest open-file limit asked for where the machine sets none. */
const plentyOfFiles = 1_048_576;

/**
 * The containers.conf under which podman works on this machine (containers.conf(5)). Without CAP_SYS_RESOURCE a container may
 * not have higher limits than its parent, so both are capped at the current hard limits; crun refuses hybrid control groups.
 */
export function renderContainersConf(facts: HostFacts): string {
  const files = facts.maxOpenFiles ?? plentyOfFiles;
  const processes = Math.min(facts.maxProcesses ?? facts.pidMax, facts.pidMax);
  const engine = [
    ...(facts.hasCrun && facts.cgroups === "v2" ? [] : ['runtime = "runc"']),
    ...(facts.hasSystemd ? [] : ['cgroup_manager = "cgroupfs"', 'events_logger = "file"']),
  ];
  return [
    "[containers]",
    `default_ulimits = ["nofile=${files}:${files}", "nproc=${processes}:${processes}"]`,
    "",
    "[engine]",
    ...engine,
    "",
  ].join("\n");
}

/** The registries.conf that leads pulls of `<name>/…` to a loopback listener over plain HTTP (containers-registries.conf(5)). */
export function renderRegistriesConf(registry?: { readonly name: string; readonly location: string }): string {
  const head = "unqualified-search-registries = []\n";
  if (registry === undefined) return head;
  const entries = [
    `prefix = ${JSON.stringify(registry.name)}`,
    `location = ${JSON.stringify(registry.location)}`,
    "insecure = true",
  ];
  return `${head}\n[[registry]]\n${entries.join("\n")}\n`;
}
