import { z } from "zod";
import { inPath, type PodmanCall, type PodmanConnection } from "./connection.ts";
import { type ContainerSpec, toSpecGenerator } from "./create-container.ts";

const Created = z.object({ Id: z.string() });
const Labels = z.record(z.string(), z.string()).nullish();
const ListedContainer = z.object({
  Id: z.string(),
  Names: z.array(z.string()).min(1),
  Image: z.string(),
  Labels,
  State: z.string(),
  ExitCode: z.int(),
  StartedAt: z.number(),
});
const InspectedContainer = z.object({
  Id: z.string(),
  Name: z.string(),
  ImageName: z.string(),
  State: z.object({
    Status: z.string(),
    ExitCode: z.int(),
    Error: z.string().default(""),
    OOMKilled: z.boolean().default(false),
    StartedAt: z.string(),
  }),
  Config: z.object({ Labels }),
});

/** A container as podman lists it. */
export interface PodmanContainer {
  /** Hex id. */
  readonly id: string;
  /** Name. */
  readonly name: string;
  /** Image reference that it was made from. */
  readonly image: string;
  /** Labels by name, the image's included. */
  readonly labels: Readonly<Record<string, string>>;
  /** `created`, `running`, `exited`, `stopped`, `paused`, `stopping`, `removing`, … */
  readonly state: string;
  /** Exit code of the last run; 0 before. */
  readonly exitCode: number;
  /** When it last started; `undefined` before. */
  readonly startedAt: Date | undefined;
}

/** A container in detail. */
export interface InspectedPodmanContainer extends PodmanContainer {
  /** Why it could not start, in the OCI runtime's words; empty when it could. */
  readonly error: string;
  /** Whether the kernel killed it for its memory. */
  readonly outOfMemory: boolean;
}

/** Container operations. `id` is an id or a name. */
export interface PodmanContainers {
  /** The id of a new container. @throws {PlatformError} not-found — no such image; conflict — name taken; podman-failed */
  createContainer(spec: ContainerSpec): Promise<string>;
  /** Starts it; does nothing when it runs. */
  startContainer(id: string): Promise<void>;
  /** Sends SIGTERM, and SIGKILL after the timeout; does nothing when it does not run. */
  stopContainer(id: string, options?: { timeoutSeconds?: number }): Promise<void>;
  /** Stops and starts it. */
  restartContainer(id: string, options?: { timeoutSeconds?: number }): Promise<void>;
  /** Sends a signal, SIGKILL unless given. */
  killContainer(id: string, signal?: string): Promise<void>;
  /** Removes it; with `force` even when it runs. @throws {PlatformError} not-found, conflict */
  removeContainer(id: string, options?: { force?: boolean }): Promise<void>;
  /** The container in detail. @throws {PlatformError} not-found */
  inspectContainer(id: string): Promise<InspectedPodmanContainer>;
  /** Every container, running or not, that carries the label (`name` or `name=value`). */
  listContainers(label: string): Promise<PodmanContainer[]>;
  /** The exit code, once the container does not run. */
  waitContainer(id: string, signal?: AbortSignal): Promise<number>;
}

/** The container operations over a connection. */
export function createContainers(connection: PodmanConnection): PodmanContainers {
  const post = (call: Omit<PodmanCall, "method">) => connection.text({ method: "POST", ...call });
  return {
    async createContainer(spec) {
      const call = {
        path: "/containers/create",
        body: toSpecGenerator(spec),
        action: `create container "${spec.name}"`,
      };
      return (await connection.json({ method: "POST", ...call }, Created)).Id;
    },
    async startContainer(id) {
      await post({ path: `/containers/${inPath(id)}/start`, action: `start container "${id}"` });
    },
    async stopContainer(id, options = {}) {
      await post({ path: `/containers/${inPath(id)}/stop`, action: `stop container "${id}"`, ...stopLimits(options) });
    },
    async restartContainer(id, options = {}) {
      await post({
        path: `/containers/${inPath(id)}/restart`,
        action: `restart container "${id}"`,
        ...stopLimits(options),
      });
    },
    async killContainer(id, signal = "SIGKILL") {
      await post({ path: `/containers/${inPath(id)}/kill`, query: { signal }, action: `kill container "${id}"` });
    },
    async removeContainer(id, options = {}) {
      const call = {
        path: `/containers/${inPath(id)}`,
        query: { force: options.force },
        action: `remove container "${id}"`,
      };
      await connection.text({ method: "DELETE", ...call });
    },
    async inspectContainer(id) {
      const call = { path: `/containers/${inPath(id)}/json`, action: `inspect container "${id}"` };
      return fromInspected(await connection.json(call, InspectedContainer));
    },
    async listContainers(label) {
      const query = { all: true, filters: JSON.stringify({ label: [label] }) };
      const call = { path: "/containers/json", query, action: `list containers labelled "${label}"` };
      return (await connection.json(call, z.array(ListedContainer))).map(fromListed);
    },
    async waitContainer(id, signal) {
      const call = {
        path: `/containers/${inPath(id)}/wait`,
        action: `wait for container "${id}"`,
        timeoutMs: 2 ** 31 - 1,
      };
      return connection.json({ method: "POST", ...call, ...(signal === undefined ? {} : { signal }) }, z.int());
    },
  };
}

function stopLimits(options: { timeoutSeconds?: number }): Pick<PodmanCall, "query"> & { timeoutMs: number } {
  return { query: { timeout: options.timeoutSeconds }, timeoutMs: ((options.timeoutSeconds ?? 10) + 60) * 1000 };
}

function fromListed(listed: z.infer<typeof ListedContainer>): PodmanContainer {
  return {
    id: listed.Id,
    name: listed.Names[0] ?? listed.Id,
    image: listed.Image,
    labels: listed.Labels ?? {},
    state: listed.State,
    exitCode: listed.ExitCode,
    // Go's zero time comes as a large negative number.
    startedAt: listed.StartedAt > 0 ? new Date(listed.StartedAt * 1000) : undefined,
  };
}

function fromInspected(inspected: z.infer<typeof InspectedContainer>): InspectedPodmanContainer {
  const startedAt = new Date(inspected.State.StartedAt);
  return {
    id: inspected.Id,
    name: inspected.Name,
    image: inspected.ImageName,
    labels: inspected.Config.Labels ?? {},
    state: inspected.State.Status,
    exitCode: inspected.State.ExitCode,
    startedAt: startedAt.getTime() > 0 ? startedAt : undefined,
    error: inspected.State.Error,
    outOfMemory: inspected.State.OOMKilled,
  };
}
