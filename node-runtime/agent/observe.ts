import type { PodmanContainer } from "../podman/containers.ts";
import { parseLabels } from "./domain/labels.ts";
import type { ObservedInstance } from "./domain/observed-instance.ts";
import type { Health } from "./health-watch.ts";
import type { InstanceNote, InstanceNotes } from "./instance-notes.ts";

/** What is known of containers beyond podman's list. */
export interface ObserveContext {
  /** Value of the label that marks our containers. */
  readonly platform: string;
  /** What the agent remembers. */
  readonly notes: InstanceNotes;
  /** Health as last probed; `undefined` for what is not watched yet. */
  readonly healthOf: (containerId: string) => Health | undefined;
}

/** Our instances among podman's containers. A container without our labels, or with damaged ones, is left out. */
export function toObserved(containers: readonly PodmanContainer[], context: ObserveContext): ObservedInstance[] {
  return containers.flatMap((container) => {
    const facts = parseLabels(context.platform, container.labels);
    if (facts === undefined) return [];
    const note = context.notes.get(container.id);
    const startedAt = container.startedAt?.toISOString();
    const state = toState(container);
    const wasSeenHealthy = startedAt !== undefined && note.healthyStart === startedAt;
    return [{
      ...facts,
      containerId: container.id,
      containerName: container.name,
      restartGeneration: Math.max(facts.restartGeneration, note.restartGeneration ?? 0),
      state,
      exitCode: container.exitCode,
      startedAt,
      stoppedByAgent: note.stoppedByAgent ?? false,
      health: context.healthOf(container.id)?.health ?? (wasSeenHealthy ? "healthy" : "starting"),
      awaitsJudgement: state === "exited" && isUnproven(note),
      failure: note.failure,
    }];
  });
}

/** Started, not seen healthy, not stopped on purpose: its exit will count as a failure. */
function isUnproven(note: InstanceNote): boolean {
  return note.started === true && note.wasHealthy !== true && note.stoppedByAgent !== true &&
    note.failure === undefined;
}

function toState(container: PodmanContainer): ObservedInstance["state"] {
  switch (container.state) {
    case "created":
    case "configured":
    case "initialized":
      // A container that once ran and whose next start failed is listed as created again.
      return container.startedAt === undefined ? "created" : "exited";
    case "running":
    case "paused":
    case "stopping":
      return "running";
    default:
      return "exited";
  }
}
