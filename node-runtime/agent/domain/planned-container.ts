import { createHash } from "node:crypto";
import type { DesiredComponent, DesiredService } from "#shared/contract/state.ts";
import { toLabels } from "./labels.ts";
import type { OperationTarget, PlannedContainer } from "./operation.ts";
import { toPortVariables } from "./ports.ts";

/** Network of containers that name none (guide §7). */
export const defaultNetwork = "mcpnet";

/** The next instance of a component; a pure function of what is deployed and of the names that are taken. */
export function nextInstance(
  desired: DesiredService,
  component: DesiredComponent,
  takenNames: ReadonlySet<string>,
): OperationTarget {
  for (let attempt = 0;; attempt++) {
    const seed = [desired.service, component.name, component.specHash, desired.deploymentId, String(attempt)];
    const instance = createHash("sha256").update(JSON.stringify(seed)).digest("hex").slice(0, 10);
    const containerName = toContainerName(desired.service, component.name, instance);
    if (takenNames.has(containerName)) continue;
    return { service: desired.service, component: component.name, instance, containerName };
  }
}

/** `<service>-<component>-<instance>`, or `<service>-<instance>` when the component is called like its service. */
export function toContainerName(service: string, component: string, instance: string): string {
  return component === service ? `${service}-${instance}` : `${service}-${component}-${instance}`;
}

/** Reference by which the image is pulled: by digest when it is known, so that a moved tag changes nothing. */
export function toPullReference(component: DesiredComponent): string {
  if (component.imageDigest === undefined) return component.image;
  const withoutDigest = component.image.split("@")[0] ?? component.image;
  const colon = withoutDigest.lastIndexOf(":");
  const repository = colon > withoutDigest.lastIndexOf("/") ? withoutDigest.slice(0, colon) : withoutDigest;
  return `${repository}@${component.imageDigest}`;
}

/** The container of a new instance. Container ports equal host ports; the platform's port variables win over the definition. */
export function toPlannedContainer(
  platform: string,
  desired: DesiredService,
  facts: { component: DesiredComponent; target: OperationTarget; ports: Readonly<Record<string, number>> },
): PlannedContainer {
  const { component, target, ports } = facts;
  const network = component.network === "" ? defaultNetwork : component.network;
  const published = network === "host" ? [] : Object.values(ports);
  return {
    name: target.containerName,
    image: toPullReference(component),
    labels: toLabels(platform, desired, { component, instance: target.instance, ports }),
    env: { ...parseEnv(component.env), ...toPortVariables(ports) },
    command: component.command,
    mounts: component.volumes,
    ports: published.map((port) => ({ hostPort: port, containerPort: port })),
    network,
    ...(component.user === undefined ? {} : { user: component.user }),
  };
}

function parseEnv(entries: readonly string[]): Record<string, string> {
  return Object.fromEntries(entries.map((entry) => {
    const equals = entry.indexOf("=");
    return equals < 0 ? [entry, ""] : [entry.slice(0, equals), entry.slice(equals + 1)];
  }));
}
