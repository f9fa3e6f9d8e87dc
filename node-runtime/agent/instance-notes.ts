import { readFile } from "node:fs/promises";
import { z } from "zod";
import { createSerialQueue } from "#shared/lifecycle/queue.ts";
import type { Log } from "#shared/log/log.ts";
import { writeFileAtomically } from "#shared/store/atomic-file.ts";

/** What the agent remembers of a container beyond its labels, which cannot change. Losing it costs nothing that serves. */
const InstanceNote = z.object({
  /** Restart generation applied since it was created. */
  restartGeneration: z.int().optional(),
  /** Stopped on purpose. */
  stoppedByAgent: z.boolean().optional(),
  /** Started by the agent; with `wasHealthy` unset an exit is a failure. */
  started: z.boolean().optional(),
  /** Was healthy at least once. */
  wasHealthy: z.boolean().optional(),
  /** Start, ISO 8601, of the run that was seen healthy: an agent that restarts takes it as healthy until probed. */
  healthyStart: z.string().optional(),
  /** Why it failed. */
  failure: z.object({
    deploymentId: z.string(),
    reason: z.string(),
    exitCode: z.int().optional(),
    lastLog: z.array(z.string()),
  }).optional(),
});
/** What the agent remembers of a container. */
export type InstanceNote = z.infer<typeof InstanceNote>;

/** Notes by container id. */
export interface InstanceNotes {
  /** The note of a container; empty when there is none. */
  get(containerId: string): InstanceNote;
  /** Changes a note; resolves once it is on disk. */
  update(containerId: string, change: Partial<InstanceNote>): Promise<void>;
  /** Forgets all containers but these. */
  keepOnly(containerIds: ReadonlySet<string>): Promise<void>;
}

const NotesFile = z.record(z.string(), InstanceNote);

/** Notes kept in a file; a missing or damaged one gives no notes. */
export async function openInstanceNotes(path: string, log: Log): Promise<InstanceNotes> {
  const save = (text: string) => writeFileAtomically(path, text);
  return createInstanceNotes(await readNotes(path, log), save);
}

/** Notes that start with `initial`; `save` receives all of them, as JSON, after each change. */
export function createInstanceNotes(
  initial: Readonly<Record<string, InstanceNote>> = {},
  save: (text: string) => Promise<void> = () => Promise.resolve(),
): InstanceNotes {
  const notes = new Map(Object.entries(initial));
  const queue = createSerialQueue();
  const saveAll = () => queue.run(() => save(JSON.stringify(Object.fromEntries(notes))));
  return {
    get: (containerId) => notes.get(containerId) ?? {},
    async update(containerId, change) {
      const before = notes.get(containerId) ?? {};
      const after = { ...before, ...change };
      if (JSON.stringify(before) === JSON.stringify(after)) return;
      notes.set(containerId, after);
      await saveAll();
    },
    async keepOnly(containerIds) {
      const gone = [...notes.keys()].filter((id) => !containerIds.has(id));
      if (gone.length === 0) return;
      for (const id of gone) notes.delete(id);
      await saveAll();
    },
  };
}

async function readNotes(path: string, log: Log): Promise<Record<string, InstanceNote>> {
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) return {};
  try {
    return NotesFile.parse(JSON.parse(text));
  } catch (error) {
    log.warn("the kept notes cannot be used, going on without", { path, error });
    return {};
  }
}
