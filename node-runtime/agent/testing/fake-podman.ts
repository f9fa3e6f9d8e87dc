import { PlatformError } from "#shared/errors/platform-error.ts";
import type { InspectedPodmanContainer } from "../../podman/containers.ts";
import type { ContainerSpec } from "../../podman/create-container.ts";
import type { PodmanEvent } from "../../podman/events.ts";
import type { AgentPodman } from "../agent-ports.ts";

/** How containers of one image behave. */
export interface ImageBehaviour {
  /** The pull fails with this reason. */
  readonly pullError?: string;
  /** The pull waits for this. */
  readonly pullGate?: Promise<void>;
  /** The start fails with this reason. */
  readonly startError?: string;
  /** The container exits at once with this code. */
  readonly exitCode?: number;
}

interface FakeContainer extends InspectedPodmanContainer {
  readonly spec: ContainerSpec;
}

/** A podman in memory. */
export interface FakePodman extends AgentPodman {
  /** Containers by name. */
  readonly containers: Map<string, FakeContainer>;
  /** Local images. */
  readonly images: Set<string>;
  /** Behaviour by image reference. */
  readonly behaviours: Map<string, ImageBehaviour>;
  /** Every changing call, such as `start web-1`. */
  readonly calls: string[];
  /** Networks by name, with their labels. */
  readonly networks: Map<string, Readonly<Record<string, string>>>;
  /** Makes a running container exit by itself. */
  crash(name: string, exitCode: number): void;
  /** Forgets all containers, as a podman that lost its database. */
  loseDatabase(): void;
  /** Makes all calls fail until it is set back. */
  isDown: boolean;
}

/** A podman in memory where everything works unless `behaviours` says otherwise. */
export function createFakePodman(): FakePodman {
  const containers = new Map<string, FakeContainer>();
  const behaviours = new Map<string, ImageBehaviour>();
  const listeners = new Set<(event: PodmanEvent) => void>();
  const images = new Set<string>();
  const calls: string[] = [];
  const networks = new Map<string, Readonly<Record<string, string>>>();
  let starts = 0;

  function find(id: string): FakeContainer {
    if (fake.isDown) throw new PlatformError("unavailable", "Cannot reach podman");
    const found = [...containers.values()].find((one) => one.id === id || one.name === id);
    if (found === undefined) throw new PlatformError("not-found", `Cannot find container "${id}"`);
    return found;
  }
  function change(container: FakeContainer, facts: Partial<InspectedPodmanContainer>, status: string): void {
    containers.set(container.name, { ...container, ...facts });
    emit(container, status, facts.exitCode);
  }
  function emit(container: FakeContainer, status: string, exitCode?: number): void {
    for (const listener of listeners) {
      listener({ status, containerId: container.id, exitCode, attributes: container.labels });
    }
  }
  async function start(id: string): Promise<void> {
    const container = find(id);
    calls.push(`start ${container.name}`);
    const behaviour = behaviours.get(container.image) ?? {};
    if (behaviour.startError !== undefined) {
      throw new PlatformError("podman-failed", `Cannot start container: ${behaviour.startError}`);
    }
    const startedAt = new Date(Date.UTC(2026, 0, 1) + 1000 * starts++);
    change(container, { state: "running", startedAt, exitCode: 0 }, "start");
    if (behaviour.exitCode !== undefined) change(find(id), { state: "exited", exitCode: behaviour.exitCode }, "died");
  }

  const fake: FakePodman = {
    containers,
    behaviours,
    images,
    calls,
    networks,
    isDown: false,
    crash: (name, exitCode) => change(find(name), { state: "exited", exitCode }, "died"),
    loseDatabase() {
      const lost = [...containers.values()];
      containers.clear();
      for (const container of lost) emit(container, "remove");
    },
    async listContainers(label) {
      if (fake.isDown) throw new PlatformError("unavailable", "Cannot reach podman");
      const [name = "", value] = label.split("=");
      return [...containers.values()].filter((one) => one.labels[name] === value);
    },
    inspectContainer: async (id) => find(id),
    async createContainer(spec) {
      calls.push(`create ${spec.name}`);
      if (containers.has(spec.name)) {
        throw new PlatformError("conflict", `Cannot create container "${spec.name}": it exists`);
      }
      if (!images.has(spec.image)) {
        throw new PlatformError("not-found", `Cannot create container: ${spec.image}: image not known`);
      }
      const container: FakeContainer = {
        id: `id-${containers.size}-${calls.length}`,
        name: spec.name,
        image: spec.image,
        labels: spec.labels,
        state: "created",
        exitCode: 0,
        startedAt: undefined,
        error: "",
        outOfMemory: false,
        spec,
      };
      containers.set(spec.name, container);
      emit(container, "create");
      return container.id;
    },
    startContainer: start,
    async stopContainer(id) {
      const container = find(id);
      calls.push(`stop ${container.name}`);
      if (container.state === "running") change(container, { state: "exited", exitCode: 143 }, "died");
    },
    async restartContainer(id) {
      calls.push(`restart ${find(id).name}`);
      change(find(id), { state: "exited", exitCode: 143 }, "died");
      await start(id);
    },
    async removeContainer(id) {
      const container = find(id);
      calls.push(`remove ${container.name}`);
      containers.delete(container.name);
      emit(container, "remove");
    },
    imageExists: async (reference) => images.has(reference),
    async pullImage(reference, options) {
      calls.push(`pull ${reference}`);
      const behaviour = behaviours.get(reference) ?? {};
      await Promise.race([behaviour.pullGate ?? Promise.resolve(), aborted(options?.signal)]);
      if (options?.signal?.aborted) throw new PlatformError("cancelled", `Cannot pull image "${reference}": cancelled`);
      if (behaviour.pullError !== undefined) {
        throw new PlatformError("podman-failed", `Cannot pull image "${reference}": ${behaviour.pullError}`);
      }
      images.add(reference);
      return "id";
    },
    networkExists: async (name) => networks.has(name),
    async createNetwork(name, labels) {
      networks.set(name, labels);
    },
    async *streamLogs(id) {
      find(id);
      for (const line of ["first line", "last line"]) {
        yield { stream: "stdout", at: "2026-01-01T00:00:00Z", line } as const;
      }
    },
    async *streamEvents(_label, signal) {
      const queue: PodmanEvent[] = [];
      let wake = Promise.withResolvers<void>();
      const listener = (event: PodmanEvent) => {
        queue.push(event);
        wake.resolve();
      };
      listeners.add(listener);
      signal.addEventListener("abort", () => wake.resolve());
      while (!signal.aborted) {
        yield* queue.splice(0);
        await wake.promise;
        wake = Promise.withResolvers<void>();
      }
      listeners.delete(listener);
    },
  };
  return fake;
}

/** Settles when the signal aborts. */
function aborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => signal?.addEventListener("abort", () => resolve(), { once: true }));
}
