/** What a container is made of. */
export interface ContainerSpec {
  /** Unique name. */
  readonly name: string;
  /** Image reference; must be local. */
  readonly image: string;
  /** Labels by name. */
  readonly labels: Readonly<Record<string, string>>;
  /** Environment by variable. */
  readonly env: Readonly<Record<string, string>>;
  /** Arguments that replace the image's command; the image's own when empty. */
  readonly command: readonly string[];
  /** Bind mounts, `host:container` or `host:container:ro`. */
  readonly mounts: readonly string[];
  /** Ports of 127.0.0.1 that lead to ports of the container. */
  readonly ports: readonly { readonly hostPort: number; readonly containerPort: number }[];
  /** `host`, `none`, `default` (podman's own choice) or the name of a bridge network. */
  readonly network: string;
  /** `user[:group]`; the image's user unless given. */
  readonly user?: string;
  /** What podman itself does when the container exits; `no` unless given. */
  readonly restart?: "no" | "on-failure" | "always" | "unless-stopped";
  /** Seconds between SIGTERM and SIGKILL at a stop; 10 unless given. */
  readonly stopTimeoutSeconds?: number;
  /** Bytes of output kept on disk; podman's default (no limit) unless given. */
  readonly logSizeBytes?: number;
}

/** The body of libpod's `POST /containers/create` (SpecGenerator). */
export function toSpecGenerator(spec: ContainerSpec): Record<string, unknown> {
  return {
    name: spec.name,
    image: spec.image,
    labels: spec.labels,
    env: spec.env,
    ...(spec.command.length === 0 ? {} : { command: spec.command }),
    mounts: spec.mounts.map(toMount),
    ...toNetwork(spec.network),
    ...(spec.network === "host" ? {} : { portmappings: spec.ports.map(toPortMapping) }),
    ...(spec.user === undefined ? {} : { user: spec.user }),
    restart_policy: spec.restart ?? "no",
    stop_timeout: spec.stopTimeoutSeconds ?? 10,
    ...(spec.logSizeBytes === undefined ? {} : { log_configuration: { driver: "k8s-file", size: spec.logSizeBytes } }),
  };
}

function toMount(volume: string): Record<string, unknown> {
  const [source = "", destination = "", mode] = volume.split(":");
  return { type: "bind", source, destination, options: mode === "ro" ? ["rbind", "ro"] : ["rbind"] };
}

function toPortMapping(port: { hostPort: number; containerPort: number }): Record<string, unknown> {
  return { host_ip: "127.0.0.1", host_port: port.hostPort, container_port: port.containerPort, protocol: "tcp" };
}

function toNetwork(network: string): Record<string, unknown> {
  if (network === "default") return {};
  if (network === "host" || network === "none") return { netns: { nsmode: network } };
  return { netns: { nsmode: "bridge" }, networks: { [network]: {} } };
}
