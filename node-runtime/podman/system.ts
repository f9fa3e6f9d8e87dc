import { z } from "zod";
import type { PodmanConnection } from "./connection.ts";

const Version = z.object({ Version: z.string(), ApiVersion: z.string() });
const Info = z.object({
  host: z.object({
    arch: z.string(),
    cgroupManager: z.string(),
    cgroupVersion: z.string(),
    eventLogger: z.string(),
    networkBackend: z.string(),
    ociRuntime: z.object({ name: z.string() }),
    security: z.object({ rootless: z.boolean() }),
  }),
  store: z.object({ graphDriverName: z.string(), graphRoot: z.string() }),
});

/** Facts about the machine that podman runs on. */
export interface PodmanInfo {
  /** Processor architecture in Go's words, such as `amd64`. */
  readonly architecture: string;
  /** Whether podman runs without root. */
  readonly rootless: boolean;
  /** OCI runtime, such as `runc`. */
  readonly runtime: string;
  /** `systemd` or `cgroupfs`. */
  readonly cgroupManager: string;
  /** `v1` or `v2`. */
  readonly cgroupVersion: string;
  /** `file`, `journald` or `none`. */
  readonly eventLogger: string;
  /** `netavark` or `cni`. */
  readonly networkBackend: string;
  /** Where images and containers are stored. */
  readonly graphRoot: string;
}

/** Questions to the podman service itself. */
export interface PodmanSystem {
  /** Resolves when the service answers. */
  ping(signal?: AbortSignal): Promise<void>;
  /** Version of podman, such as `4.3.1`. */
  version(): Promise<string>;
  /** Facts about the machine. */
  info(): Promise<PodmanInfo>;
}

/** The system calls over a connection. */
export function createSystem(connection: PodmanConnection): PodmanSystem {
  return {
    async ping(signal) {
      await connection.text({
        path: "/_ping",
        action: "reach podman",
        timeoutMs: 5_000,
        ...(signal === undefined ? {} : { signal }),
      });
    },
    async version() {
      return (await connection.json({ path: "/version", action: "read podman's version" }, Version)).Version;
    },
    async info() {
      const { host, store } = await connection.json({ path: "/info", action: "read podman's info" }, Info);
      return {
        architecture: host.arch,
        rootless: host.security.rootless,
        runtime: host.ociRuntime.name,
        cgroupManager: host.cgroupManager,
        cgroupVersion: host.cgroupVersion,
        eventLogger: host.eventLogger,
        networkBackend: host.networkBackend,
        graphRoot: store.graphRoot,
      };
    },
  };
}
