import { DeploymentEvent, type DeploymentStatus } from "#shared/contract/mcp.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import type { Platform } from "../platform/connect.ts";
import { readLines } from "./read-lines.ts";
import { reconnecting } from "./reconnect.ts";

const finalStatuses: ReadonlySet<DeploymentStatus> = new Set(["succeeded", "failed", "superseded"]);

/** What {@link followDeployment} needs. */
export interface FollowOptions {
  readonly platform: Pick<Platform, "mcp">;
  readonly id: string;
  readonly signal: AbortSignal;
  readonly onLost?: () => void;
}

/** The events of a deployment, each once and in order, up to its last; survives lost connections and restarts of the control plane. */
export function followDeployment({ platform, id, signal, onLost }: FollowOptions): AsyncGenerator<DeploymentEvent> {
  let after = 0;
  return reconnecting({
    async *open() {
      const response = await platform.mcp.followDeployment({ params: { id }, query: { after }, signal });
      for await (const line of readLines(response)) {
        const event = parseEvent(line);
        if (event.sequence <= after) continue;
        after = event.sequence;
        yield event;
      }
    },
    isLast: (event) => event.status !== undefined && finalStatuses.has(event.status),
    signal,
    ...(onLost === undefined ? {} : { onLost }),
  });
}

function parseEvent(line: string): DeploymentEvent {
  try {
    return DeploymentEvent.parse(JSON.parse(line));
  } catch (cause) {
    throw new PlatformError(
      "unsupported",
      "Cannot follow the deployment: its events are not readable, expected a control plane of this version",
      { cause },
    );
  }
}
