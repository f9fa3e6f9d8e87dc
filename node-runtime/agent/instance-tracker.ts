import type { Log } from "#shared/log/log.ts";
import type { AgentPodman } from "./agent-ports.ts";
import { platformLabel } from "./domain/labels.ts";
import type { Trouble } from "./domain/node-report.ts";
import { mayStart, type ObservedInstance } from "./domain/observed-instance.ts";
import { explainExit, readLastLog } from "./exits.ts";
import { createHealthWatch, type HealthTimings } from "./health-watch.ts";
import type { InstanceNotes } from "./instance-notes.ts";
import { toObserved } from "./observe.ts";
import type { Probe } from "./probe.ts";
import type { PodmanContainer } from "../podman/containers.ts";

/** What {@link createInstanceTracker} needs. */
export interface TrackerOptions {
  readonly podman: Pick<AgentPodman, "listContainers" | "streamLogs" | "inspectContainer">;
  /** Value of the label that marks our containers. */
  readonly platform: string;
  readonly notes: InstanceNotes;
  readonly probe: Probe;
  readonly timings?: HealthTimings;
  readonly log: Log;
  /** The deployment that an instance stands for at this moment. */
  readonly deploymentOf: (instance: ObservedInstance) => string;
  /** Something that a report should tell has changed. */
  readonly onChange: () => void;
  /** Something that a plan should know has changed. */
  readonly onNews: () => void;
  /** An instance that had served exited by itself, and will be started again. */
  readonly onCrash: (instance: ObservedInstance) => void;
  /** An instance has been healthy for a while. */
  readonly onSteady: (instance: ObservedInstance) => void;
}

/** Knows our containers: podman's list, health, and why what is not well is not. */
export interface InstanceTracker {
  /** Looks at podman anew, judges what has exited, and gives all instances. */
  refresh(): Promise<ObservedInstance[]>;
  /** All instances as of the last look, with health of this moment. */
  observed(): ObservedInstance[];
  /** Containers that an operation is stopping or starting. */
  readonly transitions: ReadonlyMap<string, "stopping" | "starting">;
  /** Why instances are not well, by container id. */
  readonly troubles: ReadonlyMap<string, Trouble>;
  /** Told before and after an operation stops or starts a container. */
  setTransition(containerId: string, transition: "stopping" | "starting" | undefined): void;
  /** Notes that an instance cannot be started. */
  noteTrouble(containerId: string, trouble: Trouble): void;
  /** Ends all watching. */
  stop(): void;
}

/** A tracker that has not looked yet. */
export function createInstanceTracker(options: TrackerOptions): InstanceTracker {
  const { podman, platform, notes, log } = options;
  const transitions = new Map<string, "stopping" | "starting">();
  const troubles = new Map<string, Trouble>();
  /** Transitions that are over, but of which the last look does not know yet. */
  const settled = new Set<string>();
  /** Runs, by container id, whose exit was judged. */
  const judged = new Map<string, string | undefined>();
  let containers: PodmanContainer[] = [];

  const watch = createHealthWatch({
    probe: options.probe,
    ...(options.timings === undefined ? {} : { timings: options.timings }),
    events: {
      onHealthy: (instance) => background(noteHealthy(instance)),
      onSteady: options.onSteady,
      onUnhealthy: (instance, reason) => noteTrouble(instance.containerId, { reason, lastLog: [] }),
      onTimeout: (instance, reason) => background(noteLate(instance, reason)),
    },
  });
  const observed = () => toObserved(containers, { platform, notes, healthOf: watch.healthOf });

  function background(work: Promise<void>): void {
    work.catch((error: unknown) => log.error("the state of an instance cannot be kept", { error }));
  }
  function noteTrouble(containerId: string, trouble: Trouble): void {
    troubles.set(containerId, trouble);
    options.onChange();
  }
  async function noteHealthy(instance: ObservedInstance): Promise<void> {
    troubles.delete(instance.containerId);
    await notes.update(instance.containerId, { wasHealthy: true, healthyStart: instance.startedAt });
    log.info("instance is healthy", { instance: instance.containerName });
    options.onChange();
  }
  async function noteLate(instance: ObservedInstance, reason: string): Promise<void> {
    const lastLog = await readLastLog(podman, instance.containerId, log);
    if (notes.get(instance.containerId).wasHealthy) return noteTrouble(instance.containerId, { reason, lastLog });
    await noteFailure(instance, { reason, lastLog });
  }
  async function noteFailure(instance: ObservedInstance, trouble: Trouble): Promise<void> {
    const exitCode = instance.state === "exited" ? instance.exitCode : undefined;
    const failure = {
      deploymentId: options.deploymentOf(instance),
      ...trouble,
      lastLog: [...trouble.lastLog],
      exitCode,
    };
    await notes.update(instance.containerId, { failure });
    log.warn("instance failed", { instance: instance.containerName, reason: trouble.reason });
    options.onNews();
  }
  async function judgeExit(instance: ObservedInstance): Promise<void> {
    judged.set(instance.containerId, instance.startedAt);
    watch.forget(instance.containerId);
    const trouble = await explainExit(podman, instance, log);
    noteTrouble(instance.containerId, trouble);
    const note = notes.get(instance.containerId);
    if (note.started && !note.wasHealthy) return await noteFailure(instance, trouble);
    if (!mayStart(instance)) return;
    log.warn("instance exited, starting it again", { instance: instance.containerName, reason: trouble.reason });
    options.onCrash(instance);
  }
  function isUnjudgedExit(one: ObservedInstance): boolean {
    if (one.state !== "exited" || one.stoppedByAgent || one.failure !== undefined || transitions.has(one.containerId)) {
      return false;
    }
    return !judged.has(one.containerId) || judged.get(one.containerId) !== one.startedAt;
  }
  async function forgetGone(): Promise<void> {
    const ids = new Set(containers.map(({ id }) => id));
    for (const map of [troubles, judged, transitions]) for (const id of map.keys()) if (!ids.has(id)) map.delete(id);
    await notes.keepOnly(ids);
  }
  return {
    transitions,
    troubles,
    observed,
    noteTrouble,
    async refresh() {
      const settledBefore = [...settled];
      containers = await podman.listContainers(`${platformLabel}=${platform}`);
      for (const id of settledBefore) if (settled.delete(id)) transitions.delete(id);
      await forgetGone();
      const watchable = (one: ObservedInstance) =>
        one.state === "running" && one.failure === undefined && !transitions.has(one.containerId);
      watch.watch(observed().filter(watchable));
      await Promise.all(observed().filter(isUnjudgedExit).map(judgeExit));
      return observed();
    },
    setTransition(containerId, transition) {
      watch.forget(containerId);
      judged.delete(containerId);
      if (transition === undefined) settled.add(containerId);
      else {
        settled.delete(containerId);
        transitions.set(containerId, transition);
      }
      options.onChange();
    },
    stop: () => watch.stop(),
  };
}
