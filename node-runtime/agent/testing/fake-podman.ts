import { PlatformError } from "#shared/errors/platform-error.ts";
import type { InspectedPodmanContainer } from "../../podman/containers.ts";
import type { ContainerSpec } from "../../podman/create-container.ts";
import type { PodmanEvent } from "../../podman/events.ts";
import type { PullOptions } from "../../podman/images.ts";
import type { LogOptions, PodmanLogLine } from "../../podman/logs.ts";
import type { AgentPodman } from "../agent-ports.ts";
import { createBoundedChannel } from "../bounded-channel.ts";

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

/** A podman in memory where everything works unless `behaviours` says otherwise. */
export class FakePodman implements AgentPodman {
  /** Containers by name. */
  readonly containers = new Map<string, FakeContainer>();
  /** Local images. */
  readonly images = new Set<string>();
  /** Behaviour by image reference. */
  readonly behaviours = new Map<string, ImageBehaviour>();
  /** Every changing call, such as `start web-1`. */
  readonly calls: string[] = [];
  /** Networks by name, with their labels. */
  readonly networks = new Map<string, Readonly<Record<string, string>>>();
  /** Makes all calls fail until it is set back. */
  isDown = false;
  readonly #listeners = new Set<(event: PodmanEvent) => void>();
  #starts = 0;

  /** Makes a running container exit by itself. */
  crash(name: string, exitCode: number): void {
    this.#change(this.#find(name), { state: "exited", exitCode }, "died");
  }

  /** Forgets all containers, as a podman that lost its database. */
  loseDatabase(): void {
    const lost = [...this.containers.values()];
    this.containers.clear();
    for (const container of lost) this.#emit(container, "remove");
  }

  async listContainers(label: string): Promise<FakeContainer[]> {
    this.#assertUp();
    const [name = "", value] = label.split("=");
    return [...this.containers.values()].filter((one) => one.labels[name] === value);
  }

  async inspectContainer(id: string): Promise<FakeContainer> {
    return this.#find(id);
  }

  async createContainer(spec: ContainerSpec): Promise<string> {
    const { name, image, labels } = spec;
    this.calls.push(`create ${name}`);
    if (this.containers.has(name)) throw new PlatformError("conflict", `Cannot create container "${name}": it exists`);
    if (!this.images.has(image)) {
      throw new PlatformError("not-found", `Cannot create container: ${image}: image not known`);
    }
    const id = `id-${this.calls.length}`;
    const fresh = { state: "created", exitCode: 0, startedAt: undefined, error: "", outOfMemory: false };
    const container: FakeContainer = { id, name, image, labels, spec, ...fresh };
    this.containers.set(name, container);
    this.#emit(container, "create");
    return id;
  }

  async startContainer(id: string): Promise<void> {
    const container = this.#find(id);
    this.calls.push(`start ${container.name}`);
    const { startError, exitCode } = this.behaviours.get(container.image) ?? {};
    if (startError !== undefined) throw new PlatformError("podman-failed", `Cannot start container: ${startError}`);
    const startedAt = new Date(Date.UTC(2026, 0, 1) + 1000 * this.#starts++);
    this.#change(container, { state: "running", startedAt, exitCode: 0 }, "start");
    if (exitCode !== undefined) this.crash(container.name, exitCode);
  }

  async stopContainer(id: string): Promise<void> {
    const container = this.#find(id);
    this.calls.push(`stop ${container.name}`);
    if (container.state === "running") this.crash(container.name, 143);
  }

  async restartContainer(id: string): Promise<void> {
    const { name } = this.#find(id);
    this.calls.push(`restart ${name}`);
    this.crash(name, 143);
    await this.startContainer(id);
  }

  async removeContainer(id: string): Promise<void> {
    const container = this.#find(id);
    this.calls.push(`remove ${container.name}`);
    this.containers.delete(container.name);
    this.#emit(container, "remove");
  }

  async imageExists(reference: string): Promise<boolean> {
    return this.images.has(reference);
  }

  async pullImage(reference: string, options: PullOptions = {}): Promise<string> {
    this.calls.push(`pull ${reference}`);
    const { pullGate, pullError } = this.behaviours.get(reference) ?? {};
    await Promise.race([pullGate ?? Promise.resolve(), aborted(options.signal)]);
    if (options.signal?.aborted) throw new PlatformError("cancelled", `Cannot pull image "${reference}": cancelled`);
    if (pullError !== undefined) {
      throw new PlatformError("podman-failed", `Cannot pull image "${reference}": ${pullError}`);
    }
    this.images.add(reference);
    return "id";
  }

  async networkExists(name: string): Promise<boolean> {
    return this.networks.has(name);
  }

  async createNetwork(name: string, labels: Readonly<Record<string, string>>): Promise<void> {
    this.networks.set(name, labels);
  }

  async *streamLogs(id: string, options: LogOptions = {}): AsyncGenerator<PodmanLogLine> {
    this.#find(id);
    const lines = ["first line", "last line"];
    for (const line of options.tail === undefined ? lines : lines.slice(-options.tail)) {
      yield { stream: "stdout", at: "2026-01-01T00:00:00Z", line };
    }
    if (options.follow) await aborted(options.signal);
  }

  async *streamEvents(_label: string, signal: AbortSignal): AsyncGenerator<PodmanEvent> {
    const channel = createBoundedChannel<PodmanEvent>(Infinity);
    const listener = (event: PodmanEvent) => void channel.push(event);
    this.#listeners.add(listener);
    signal.addEventListener("abort", () => channel.end());
    if (signal.aborted) channel.end();
    yield* channel;
    this.#listeners.delete(listener);
  }

  #assertUp(): void {
    if (this.isDown) throw new PlatformError("unavailable", "Cannot reach podman");
  }

  #find(id: string): FakeContainer {
    this.#assertUp();
    const found = [...this.containers.values()].find((one) => one.id === id || one.name === id);
    if (found === undefined) throw new PlatformError("not-found", `Cannot find container "${id}"`);
    return found;
  }

  #change(container: FakeContainer, facts: Partial<InspectedPodmanContainer>, status: string): void {
    this.containers.set(container.name, { ...container, ...facts });
    this.#emit(container, status, facts.exitCode);
  }

  #emit(container: FakeContainer, status: string, exitCode?: number): void {
    for (const listener of this.#listeners) {
      listener({ status, containerId: container.id, exitCode, attributes: container.labels });
    }
  }
}

/** Settles when the signal aborts. */
function aborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => signal?.addEventListener("abort", () => resolve(), { once: true }));
}
