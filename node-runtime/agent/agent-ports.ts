import type { LogLine } from "#shared/contract/mcp.ts";
import type { NodeReport } from "#shared/contract/state.ts";
import type { Podman } from "../podman/podman.ts";

/** The part of podman that the agent uses. */
export type AgentPodman = Pick<
  Podman,
  | "listContainers"
  | "inspectContainer"
  | "createContainer"
  | "startContainer"
  | "stopContainer"
  | "restartContainer"
  | "removeContainer"
  | "imageExists"
  | "pullImage"
  | "networkExists"
  | "createNetwork"
  | "streamLogs"
  | "streamEvents"
>;

/** The part of the control plane that the agent tells things to. */
export interface ControlPlane {
  /** Replaces the node's report. */
  report(report: NodeReport, signal: AbortSignal): Promise<void>;
  /** Renews the node's lease. */
  heartbeat(signal: AbortSignal): Promise<void>;
  /** Streams the lines that a log request asked for; resolves when all are taken. */
  sendLogs(requestId: string, lines: AsyncIterable<LogLine>, signal: AbortSignal): Promise<void>;
}
