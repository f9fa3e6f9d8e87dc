import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A new folder that disappears with all it holds when it is disposed; for tests. */
export interface TemporaryFolder extends AsyncDisposable {
  /** Where it is. */
  readonly path: string;
}

/** A new, empty folder in the system's folder for temporary files. */
export async function createTemporaryFolder(): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(tmpdir(), "metacircular-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
