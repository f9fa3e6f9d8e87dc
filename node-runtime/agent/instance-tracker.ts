import type { PodmanContainer } from "../podman/containers.ts";
import type { AgentPodman } from "./agent-ports.ts";
import { platformLabel } from "./domain/labels.ts";
import type { Trouble } from "./domain/node-report.ts";
import type { ObservedInstance } from "./domain/observed-instance.ts";
import { createHealthWatch, type HealthTimings } from "./health-watch.ts";
import { createInstanceJudge, type InstanceJudge, type JudgeOptions } from "./instance-judge.ts";
import { toObserved } from "./observe.ts";
import type { Probe } from "./probe.ts";
import { createTransitions, type Transition } from "./transitions.ts";

/** What {@link createInstanceTracker} needs. */
export interface TrackerOptions extends JudgeOptions {
  readonly podman: Pick<AgentPodman, "listContainers" | "streamLogs" | "inspectContainer">;
  /** Value of the label that marks our containers. */
  readonly platform: string;
  readonly probe: Probe;
  readonly healthTimings?: HealthTimings;
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
  readonly transitions: ReadonlyMap<string, Transition>;
  /** Why instances are not well, by container id. */
  readonly troubles: ReadonlyMap<string, Trouble>;
  /** Told before and after an operation stops or starts a container. */
  setTransition(containerId: string, transition: Transition | undefined): void;
  /** Notes that an instance cannot be started. */
  noteTrouble(containerId: string, trouble: Trouble): void;
  /** Ends all watching. */
  stop(): void;
}

/** A tracker that has not looked yet. */
export function createInstanceTracker(options: TrackerOptions): InstanceTracker {
  const { podman, platform, notes } = options;
  const judge = createInstanceJudge(options);
  const watch = watchFor(options, judge);
  const transitions = createTransitions();
  const unreadable = new Set<string>();
  let containers: PodmanContainer[] = [];

  const observed = () => toObserved(containers, { platform, notes, healthOf: watch.healthOf });
  /** A container of ours that an agent of another version made, or that somebody changed, is left alone. */
  function warnOfUnreadable(): void {
    const readable = new Set(observed().map(({ containerId }) => containerId));
    for (const { id, name } of containers) {
      if (readable.has(id) || unreadable.has(id)) continue;
      unreadable.add(id);
      options.log.warn("a container with our label cannot be understood and is left alone", { container: name });
    }
  }
  const isSettled = (one: ObservedInstance) => one.failure === undefined && !transitions.current.has(one.containerId);
  return {
    transitions: transitions.current,
    troubles: judge.troubles,
    observed,
    noteTrouble: judge.noteTrouble,
    async refresh() {
      const settle = transitions.beforeLook();
      containers = await podman.listContainers(`${platformLabel}=${platform}`);
      settle();
      warnOfUnreadable();
      const ids = new Set(containers.map(({ id }) => id));
      for (const one of [judge, transitions]) one.keepOnly(ids);
      await notes.keepOnly(ids);
      const settled = observed().filter(isSettled);
      watch.watch(settled.filter(({ state }) => state === "running"));
      await Promise.all(settled.filter((one) => one.state === "exited" && !one.stoppedByAgent).map(judge.onExit));
      return observed();
    },
    setTransition(containerId, transition) {
      watch.forget(containerId);
      judge.expectStart(containerId);
      transitions.set(containerId, transition);
      options.onChange();
    },
    stop: () => watch.stop(),
  };
}

function watchFor(options: TrackerOptions, judge: InstanceJudge) {
  const background = (work: Promise<void>) => {
    work.catch((error: unknown) => options.log.error("the state of an instance cannot be kept", { error }));
  };
  return createHealthWatch({
    probe: options.probe,
    ...(options.healthTimings === undefined ? {} : { timings: options.healthTimings }),
    events: {
      onHealthy: (instance) => background(judge.onHealthy(instance)),
      onSteady: options.onSteady,
      onUnhealthy: (instance, reason) => judge.noteTrouble(instance.containerId, { reason, lastLog: [] }),
      onTimeout: (instance, reason) => background(judge.onLate(instance, reason)),
    },
  });
}
