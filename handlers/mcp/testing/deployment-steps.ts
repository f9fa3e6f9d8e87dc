import { DeploymentEvent } from "#shared/contract/mcp.ts";
import type { PlatformError } from "#shared/errors/platform-error.ts";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import { instanceOf, type TestPlatform, webDefinition } from "./platform.ts";

/** Key of the route of the sample service. */
export const key = "hello.svc.test:8443";

/** How far a deployment is. */
export async function statusOf(platform: TestPlatform, id: string): Promise<string> {
  return (await platform.operator.getDeployment({ params: { id } })).status;
}

/** Resolves once a deployment has this status. */
export async function reach(platform: TestPlatform, id: string, status: string): Promise<void> {
  await waitUntil(async () => (await statusOf(platform, id)) === status || undefined, {
    action: `reach ${status}`,
    timeoutMs: 5_000,
    intervalMs: 5,
  });
}

/** All that a deployment told, to its end. */
export async function eventsOf(platform: TestPlatform, id: string): Promise<DeploymentEvent[]> {
  const response = await platform.operator.followDeployment({ params: { id } });
  return (await response.text()).trim().split("\n").map((line) => DeploymentEvent.parse(JSON.parse(line)));
}

/** Deploys a definition and plays node and proxy until it has succeeded. */
export async function deployed(platform: TestPlatform, version: string) {
  const { id } = await platform.operator.deploy({
    params: { service: "hello" },
    body: { definition: webDefinition(version) },
  });
  const old = await platform.routes();
  const instance = instanceOf(await platform.desired("hello"));
  await platform.report([instance]);
  await platform.applyRoutes();
  await reach(platform, id, "succeeded");
  return { id, instance, old };
}

/** Accepts errors with this code. */
export function codeOf(code: string): (error: PlatformError) => boolean {
  return (error) => error.code === code;
}
