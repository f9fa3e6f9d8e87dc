import type { Log } from "#shared/log/log.ts";
import type { AgentPodman } from "./agent-ports.ts";
import type { Trouble } from "./domain/node-report.ts";
import { mayStart, type ObservedInstance } from "./domain/observed-instance.ts";
import { explainExit, readLastLog } from "./exits.ts";
import type { InstanceNotes } from "./instance-notes.ts";

/** What {@link createInstanceJudge} needs. */
export interface JudgeOptions {
  readonly podman: Pick<AgentPodman, "streamLogs" | "inspectContainer">;
  readonly notes: InstanceNotes;
  readonly log: Log;
  /** The deployment that an instance stands for at this moment. */
  readonly deploymentOf: (instance: ObservedInstance) => string;
  /** Something that a report should tell has changed. */
  readonly onChange: () => void;
  /** Something that a plan should know has changed. */
  readonly onNews: () => void;
  /** An instance that may be started again exited by itself. */
  readonly onCrash: (instance: ObservedInstance) => void;
}

/** Decides what an exit or a missing answer means: a failure of what is new, a trouble of what has served. */
export interface InstanceJudge {
  /** Why instances are not well, by container id. */
  readonly troubles: ReadonlyMap<string, Trouble>;
  /** It answered. */
  onHealthy(instance: ObservedInstance): Promise<void>;
  /** It did not answer in time. */
  onLate(instance: ObservedInstance, reason: string): Promise<void>;
  /** It exited by itself; each run is judged once. */
  onExit(instance: ObservedInstance): Promise<void>;
  /** Notes why an instance is not well. */
  noteTrouble(containerId: string, trouble: Trouble): void;
  /** Its next exit is a new one. */
  expectStart(containerId: string): void;
  /** Forgets all containers but these. */
  keepOnly(containerIds: ReadonlySet<string>): void;
}

/** A judge that has seen nothing. */
export function createInstanceJudge(options: JudgeOptions): InstanceJudge {
  const { podman, notes, log } = options;
  const troubles = new Map<string, Trouble>();
  /** Runs, by container id, whose exit was judged. */
  const judged = new Map<string, string | undefined>();

  function noteTrouble(containerId: string, trouble: Trouble): void {
    troubles.set(containerId, trouble);
    options.onChange();
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
  return {
    troubles,
    noteTrouble,
    expectStart: (containerId) => void judged.delete(containerId),
    async onHealthy(instance) {
      troubles.delete(instance.containerId);
      await notes.update(instance.containerId, { wasHealthy: true, healthyStart: instance.startedAt });
      log.info("instance is healthy", { instance: instance.containerName });
      options.onChange();
    },
    async onLate(instance, reason) {
      const trouble = { reason, lastLog: await readLastLog(podman, instance.containerId, log) };
      if (notes.get(instance.containerId).wasHealthy) noteTrouble(instance.containerId, trouble);
      else await noteFailure(instance, trouble);
    },
    async onExit(instance) {
      const { containerId, startedAt } = instance;
      if (judged.has(containerId) && judged.get(containerId) === startedAt) return;
      judged.set(containerId, startedAt);
      const trouble = await explainExit(podman, instance, log);
      noteTrouble(containerId, trouble);
      const note = notes.get(containerId);
      if (note.started && !note.wasHealthy) return await noteFailure(instance, trouble);
      if (!mayStart(instance)) return;
      log.warn("instance exited, starting it again", { instance: instance.containerName, reason: trouble.reason });
      options.onCrash(instance);
    },
    keepOnly(containerIds) {
      for (const map of [troubles, judged]) for (const id of map.keys()) if (!containerIds.has(id)) map.delete(id);
    },
  };
}
