/** What an operation is doing to a container. */
export type Transition = "stopping" | "starting";

/** Containers that operations are stopping or starting. */
export interface Transitions {
  /** By container id. */
  readonly current: ReadonlyMap<string, Transition>;
  /** Begins one, or ends it: an ended one counts until a look at podman that began later is over. */
  set(containerId: string, transition: Transition | undefined): void;
  /** Called before a look at podman; what it gives is called after. */
  beforeLook(): () => void;
  /** Forgets all containers but these. */
  keepOnly(containerIds: ReadonlySet<string>): void;
}

/** No transitions. */
export function createTransitions(): Transitions {
  const current = new Map<string, Transition>();
  const ended = new Set<string>();
  return {
    current,
    set(containerId, transition) {
      if (transition === undefined) {
        ended.add(containerId);
        return;
      }
      ended.delete(containerId);
      current.set(containerId, transition);
    },
    beforeLook() {
      const before = [...ended];
      return () => {
        for (const id of before) if (ended.delete(id)) current.delete(id);
      };
    },
    keepOnly(containerIds) {
      for (const id of current.keys()) if (!containerIds.has(id)) current.delete(id);
      for (const id of ended) if (!containerIds.has(id)) ended.delete(id);
    },
  };
}
