import { join } from "node:path";

/** The programs that `up` runs, in the order they stop. */
export const programNames = ["agent", "proxy", "dns", "server"] as const;
/** One of the programs that `up` runs. */
export type ProgramName = (typeof programNames)[number];

/** Where things are below the folder of a platform. */
export interface Layout {
  readonly folder: string;
  readonly lock: string;
  /** Random id that this platform's containers are labelled with. */
  readonly platformId: string;
  /** Process ids of the programs, for clean-up after a crash. */
  readonly programs: string;
  readonly config: (program: ProgramName) => string;
  readonly log: (program: string) => string;
  /** State of the server. */
  readonly server: string;
  readonly adminPassword: string;
  readonly ca: string;
  readonly joinToken: (node: string) => string;
  /** State of the programs of the node. */
  readonly node: string;
  readonly identity: string;
  readonly podman: string;
  readonly cli: string;
  readonly cliConfig: string;
  /** Service definitions of the operator. */
  readonly services: string;
  /** Source trees of services. */
  readonly workspace: string;
}

/** The layout below an absolute folder. */
export function layoutOf(folder: string): Layout {
  const server = join(folder, "server");
  const node = join(folder, "node");
  const cli = join(folder, "cli");
  return {
    folder,
    lock: join(folder, "up.lock"),
    platformId: join(folder, "platform-id"),
    programs: join(folder, "programs.json"),
    config: (program) => join(folder, "config", `${program}.toml`),
    log: (program) => join(folder, "logs", `${program}.log`),
    server,
    adminPassword: join(server, "admin-password"),
    ca: join(server, "ca.pem"),
    joinToken: (name) => join(server, "join", name),
    node,
    identity: join(node, "identity.json"),
    podman: join(folder, "podman"),
    cli,
    cliConfig: join(cli, "mcp.toml"),
    services: join(cli, "services"),
    workspace: join(cli, "workspace"),
  };
}
