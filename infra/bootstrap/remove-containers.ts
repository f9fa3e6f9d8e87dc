import { describeError, PlatformError } from "#shared/errors/platform-error.ts";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import type { Log } from "#shared/log/log.ts";

/** The part of podman's driver that is needed. */
export interface ContainerRemover {
  ping(): Promise<unknown>;
  listContainers(label: string): Promise<readonly { readonly id: string; readonly name: string }[]>;
  stopContainer(id: string, options: { timeoutSeconds: number }): Promise<void>;
  removeContainer(id: string, options: { force: boolean }): Promise<void>;
}

/** How long a container may take to end by itself. */
const stopSeconds = 5;
const atOnce = 8;

/** Stops and removes the containers of one platform and no others; gives how many. */
export async function removePlatformContainers(
  podman: ContainerRemover,
  platformId: string,
  log: Log,
): Promise<number> {
  // Ctrl-C in a terminal reaches podman's service too, which is then being started again.
  const answers = () => podman.ping().then(() => true, () => undefined);
  await waitUntil(answers, { action: "reach podman's service", timeoutMs: 10_000, intervalMs: 50 });
  const containers = [...await podman.listContainers(`mcp.platform=${platformId}`)];
  const count = containers.length;
  const failures: string[] = [];
  const worker = async () => {
    for (let next = containers.pop(); next !== undefined; next = containers.pop()) {
      const { id, name } = next;
      await removeOne(podman, id).catch((error: unknown) => failures.push(`${name}: ${describeError(error)}`));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  if (failures.length > 0) {
    throw new PlatformError(
      "podman-failed",
      `Cannot remove ${failures.length} of ${count} containers: ${failures.join("; ")}`,
    );
  }
  if (count > 0) log.info("containers removed", { count });
  return count;
}

async function removeOne(podman: ContainerRemover, id: string): Promise<void> {
  try {
    await podman.stopContainer(id, { timeoutSeconds: stopSeconds });
    await podman.removeContainer(id, { force: true });
  } catch (error) {
    if (!(error instanceof PlatformError && error.code === "not-found")) throw error;
  }
}
