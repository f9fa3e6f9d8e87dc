import type { Deployment, DeploymentEvent } from "#shared/contract/mcp.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import type { Platform } from "../platform/connect.ts";
import { formatElapsed } from "../render/ago.ts";
import { createProgress, type Progress } from "../render/progress.ts";
import { createStyle, printable, type Style } from "../render/style.ts";
import type { Cli } from "../world.ts";
import { followDeployment } from "./follow-deployment.ts";

/** How long to watch. */
export interface WatchOptions {
  readonly cli: Cli;
  readonly platform: Platform;
  readonly timeoutMs: number;
}

/**
 * The deployment as it ended well; until then its steps are shown on stderr. It goes on in the control plane whatever happens here.
 *
 * @throws {PlatformError} deploy-failed — with the reason and the last log lines; conflict — when a newer one took its place;
 *   cancelled — at Ctrl-C, timeout — both saying how to watch again
 */
export async function watchDeployment(deployment: Deployment, options: WatchOptions): Promise<Deployment> {
  const { cli, platform } = options;
  const deadline = AbortSignal.timeout(options.timeoutMs);
  const signal = AbortSignal.any([cli.interrupt, deadline]);
  let failure: DeploymentEvent | undefined;
  try {
    using progress = createProgress(cli);
    const style = createStyle(cli, cli.stderr);
    progress.step(`${deployment.kind} ${deployment.service}`);
    const onLost = () => progress.step("the connection is lost, connecting again");
    for await (const event of followDeployment({ platform, id: deployment.id, signal, onLost })) {
      show(event, progress, style);
      if (event.state !== "started") progress.step(`${deployment.kind} ${deployment.service}`);
      // The first failure is the reason; later ones follow from it. Log lines are worth waiting for.
      if (
        event.state === "failed" && (failure === undefined || (failure.log === undefined && event.log !== undefined))
      ) failure = event;
    }
  } catch (error) {
    throw cli.interrupt.aborted ? toDetached(deployment) : deadline.aborted ? toTimeout(deployment, options) : error;
  }
  const ended = await platform.mcp.getDeployment({ params: { id: deployment.id } });
  if (ended.status === "succeeded") return ended;
  throw toFailure(ended, failure, ended.kind === "deploy" && await isServing(platform, ended.service));
}

/** Whether a version serves; what cannot be found out is not claimed. */
async function isServing({ mcp }: Platform, service: string): Promise<boolean> {
  const detail = await mcp.getService({ params: { service } }).catch(() => undefined);
  return detail?.routes.some(({ backends }) => backends > 0) ?? false;
}

function show(event: DeploymentEvent, progress: Progress, style: Style): void {
  const place = event.component === null ? "" : `${event.component}: `;
  const text = `${place}${event.step.padEnd(event.component === null ? 0 : 6)} ${printable(event.message)}`;
  if (event.state === "started") return progress.step(text);
  const mark = {
    done: style.green("✓"),
    failed: style.red("✗"),
    info: style.dim("·"),
  }[event.status === "failed" ? "failed" : event.state];
  progress.line(`${mark} ${style.dim(formatElapsed(event.elapsedMs).padStart(8))}  ${text}`);
}

/** The command that watches a deployment again. */
export function attachCommand({ kind, service, id }: Deployment): string {
  return `mcp ${kind} ${service} --attach ${id}`;
}

function toDetached(deployment: Deployment): PlatformError {
  return new PlatformError(
    "cancelled",
    `Cannot watch deployment "${deployment.id}" of "${deployment.service}" any longer: it was interrupted, and goes on in the control plane`,
    {
      details: { deployment: deployment.id, next: attachCommand(deployment) },
    },
  );
}

function toTimeout(deployment: Deployment, { timeoutMs }: WatchOptions): PlatformError {
  return new PlatformError(
    "timeout",
    `Cannot watch deployment "${deployment.id}" of "${deployment.service}" any longer: it has not ended after ${
      formatElapsed(timeoutMs)
    }, and goes on in the control plane`,
    { details: { deployment: deployment.id, next: attachCommand(deployment) } },
  );
}

function toFailure(ended: Deployment, failure: DeploymentEvent | undefined, isStillServing: boolean): PlatformError {
  const { id, service, kind, status } = ended;
  if (status === "superseded") {
    return new PlatformError("conflict", `Cannot ${kind} "${service}": a newer deployment took the place of "${id}"`, {
      details: { deployment: id },
    });
  }
  const reason = ended.error ?? failure?.message ?? `deployment "${id}" is ${status}, expected succeeded`;
  const consequence = isStillServing ? "; the version that served before keeps serving" : "";
  return new PlatformError("deploy-failed", `Cannot ${kind} "${service}": ${reason}${consequence}`, {
    details: {
      deployment: id,
      ...(failure?.component === null || failure === undefined ? {} : { component: failure.component }),
      ...(failure?.log === undefined ? {} : { log: failure.log }),
    },
  });
}
