import type { Deployment, ServiceDetail } from "#shared/contract/mcp.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { DurationMs } from "#shared/mcdsl/duration.ts";
import type { Platform } from "../platform/connect.ts";
import { printData } from "../render/print.ts";
import { type Cli, type CommandInput, hasFlag, textOption } from "../world.ts";
import { describeChange } from "./describe-change.ts";
import { attachCommand, watchDeployment } from "./watch-deployment.ts";

const defaultTimeoutMs = 10 * 60_000;

/** A command that changes a service through a deployment. */
export interface Change {
  readonly cli: Cli;
  readonly platform: Platform;
  readonly service: string;
  readonly input: CommandInput;
  /** Asks the control plane for it; not called under `--attach`. */
  readonly begin: () => Promise<Deployment>;
}

/** Begins a change (or, under `--attach`, finds it), watches it unless `--detach` was given, and prints what it did. */
export async function runChange({ cli, platform, service, input, begin }: Change): Promise<void> {
  const timeoutMs = parseTimeout(textOption(input, "timeout"));
  const attached = textOption(input, "attach");
  const before = attached === undefined ? await findService(platform, service) : undefined;
  const deployment = attached === undefined ? await begin() : await findDeployment(platform, service, attached);
  if (hasFlag(input, "detach")) {
    const next = attachCommand(deployment);
    return printData(
      cli,
      { deployment, next },
      () => `Deployment ${deployment.id} of ${service} goes on in the control plane\nNext: ${next}\n`,
    );
  }
  const ended = await watchDeployment(deployment, { cli, platform, timeoutMs });
  const after = await findService(platform, service);
  const data = {
    deployment: ended,
    service: after === undefined ? null : toSummary(after),
    routes: after?.routes ?? [],
  };
  printData(cli, data, (style) => describeChange({ deployment: ended, before, after }, style));
}

function toSummary({ name, node, revision, desired, observed, versions }: ServiceDetail) {
  return { name, node, revision, desired, observed, versions };
}

function parseTimeout(text: string | undefined): number {
  if (text === undefined) return defaultTimeoutMs;
  const parsed = DurationMs.safeParse(text);
  // Timers hold 31 bits of milliseconds.
  if (parsed.success && parsed.data > 0 && parsed.data < 2 ** 31) return parsed.data;
  throw new PlatformError(
    "invalid-usage",
    `Cannot use --timeout "${text}": it is no duration, expected one such as 90s or 10m`,
  );
}

/** The service as the control plane knows it, or `undefined` when it does not. */
export async function findService(platform: Platform, service: string): Promise<ServiceDetail | undefined> {
  try {
    return await platform.mcp.getService({ params: { service } });
  } catch (error) {
    if (error instanceof PlatformError && error.code === "not-found") return undefined;
    throw error;
  }
}

async function findDeployment(platform: Platform, service: string, id: string): Promise<Deployment> {
  const deployment = await platform.mcp.getDeployment({ params: { id } });
  if (deployment.service === service) return deployment;
  throw new PlatformError(
    "invalid-usage",
    `Cannot watch deployment "${id}": it is of "${deployment.service}", expected one of "${service}"`,
  );
}
