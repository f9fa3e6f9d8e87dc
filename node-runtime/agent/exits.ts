import { describeError } from "#shared/errors/platform-error.ts";
import type { Log } from "#shared/log/log.ts";
import type { AgentPodman } from "./agent-ports.ts";
import type { Trouble } from "./domain/node-report.ts";
import type { ObservedInstance } from "./domain/observed-instance.ts";

/** Lines of output that explain an exit. */
const lastLogLines = 20;
const maxLineLength = 2_000;

/** The last lines of a container's output, oldest first; none when they cannot be read. */
export async function readLastLog(
  podman: Pick<AgentPodman, "streamLogs">,
  containerId: string,
  log: Log,
): Promise<string[]> {
  const lines: string[] = [];
  try {
    const signal = AbortSignal.timeout(5_000);
    for await (const { line } of podman.streamLogs(containerId, { tail: lastLogLines, signal })) {
      lines.push(line.slice(0, maxLineLength));
    }
  } catch (error) {
    log.warn("the last output of a container cannot be read", { containerId, error });
  }
  return lines.slice(-lastLogLines);
}

/** Why a container exited, with its last output. */
export async function explainExit(
  podman: Pick<AgentPodman, "streamLogs" | "inspectContainer">,
  instance: ObservedInstance,
  log: Log,
): Promise<Trouble> {
  const [lastLog, inspected] = await Promise.all([
    readLastLog(podman, instance.containerId, log),
    podman.inspectContainer(instance.containerId).catch((error: unknown) => describeError(error)),
  ]);
  const reason = `it exited with code ${instance.exitCode}`;
  if (typeof inspected === "string") return { reason, lastLog };
  if (inspected.outOfMemory) return { reason: `${reason}: it was killed for its memory`, lastLog };
  return { reason: inspected.error === "" ? reason : `${reason}: ${inspected.error}`, lastLog };
}
