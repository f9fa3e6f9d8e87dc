import type { Deployment, ServiceDetail } from "#shared/contract/mcp.ts";
import { formatElapsed } from "../render/ago.ts";
import type { Style } from "../render/style.ts";

/** A change that ended well, with the service before and after it. */
export interface FinishedChange {
  readonly deployment: Deployment;
  readonly before: ServiceDetail | undefined;
  readonly after: ServiceDetail | undefined;
}

const done = {
  deploy: "Deployed",
  stop: "Stopped",
  start: "Started",
  restart: "Restarted",
  undeploy: "Undeployed",
} as const;
const next = {
  deploy: (service: string) => `mcp status ${service}`,
  start: (service: string) => `mcp status ${service}`,
  restart: (service: string) => `mcp status ${service}`,
  stop: (service: string) => `mcp start ${service}`,
  undeploy: (service: string) => `mcp deploy ${service}, to bring it back`,
} as const;

/** What a change did, for people: the components with their versions, the URLs and the next command. */
export function describeChange({ deployment, before, after }: FinishedChange, style: Style): string {
  const { kind, service } = deployment;
  const node = (after ?? before)?.node;
  const lines = [
    `${style.green(done[kind])} ${style.bold(service)}${node === undefined ? "" : ` on ${node}`}${
      describeRun(deployment)
    }`,
    ...(kind === "deploy" ? describeVersions(before, after) : []),
    ...(kind === "stop" || kind === "undeploy" ? [] : (after?.routes ?? []).map(({ url }) => `  ${style.cyan(url)}`)),
    `Next: ${next[kind](service)}`,
  ];
  return lines.map((line) => `${line}\n`).join("");
}

function describeRun({ createdAt, finishedAt, revision, kind }: Deployment): string {
  const time = finishedAt === null ? "" : ` in ${formatElapsed(Date.parse(finishedAt) - Date.parse(createdAt))}`;
  return kind === "deploy" ? ` as revision ${revision}${time}` : time;
}

/** One line a component: from which version to which. */
function describeVersions(before: ServiceDetail | undefined, after: ServiceDetail | undefined): string[] {
  const was = before?.versions ?? {};
  const is = after?.versions ?? {};
  const names = [...new Set([...Object.keys(was), ...Object.keys(is)])].toSorted();
  return names.map((name) => `  ${name} ${describeVersion(was[name], is[name])}`);
}

function describeVersion(was: string | undefined, is: string | undefined): string {
  if (is === undefined) return `${was} (removed)`;
  if (was === undefined) return `${is} (new)`;
  return was === is ? `${is} (unchanged)` : `${was} → ${is}`;
}
