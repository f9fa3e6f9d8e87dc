import { z } from "zod";
import { Id, Label, Port } from "#shared/contract/names.ts";
import { type DesiredComponent, type DesiredService, HealthCheck } from "#shared/contract/state.ts";

/** Label that marks every container, and network, that the platform owns on this machine. */
export const platformLabel = "mcp.platform";

const json = <T extends z.ZodType>(schema: T) =>
  z.string().max(16_384).transform((text, context) => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue("expected JSON");
      return z.NEVER;
    }
  }).pipe(schema);

/** Labels of a container of ours; what an instance is can be read from them alone. */
const InstanceLabels = z.object({
  "mcp.service": Label,
  "mcp.component": Label,
  "mcp.revision": z.coerce.number().int().min(0),
  "mcp.spec-hash": z.string().max(64),
  "mcp.deployment": Id,
  "mcp.instance": z.string().min(1).max(128),
  "mcp.image": z.string().max(512),
  "mcp.ports": json(z.record(z.string(), Port)),
  "mcp.health-check": json(HealthCheck),
  "mcp.restart": z.enum(["no", "on-failure", "always", "unless-stopped"]),
  "mcp.restart-generation": z.coerce.number().int().min(0),
});

/** What the labels of a container say. */
export interface LabelFacts {
  readonly service: string;
  readonly component: string;
  readonly revision: number;
  readonly specHash: string;
  readonly deploymentId: string;
  readonly instance: string;
  readonly image: string;
  readonly ports: Readonly<Record<string, number>>;
  readonly healthCheck: HealthCheck;
  readonly restart: "no" | "on-failure" | "always" | "unless-stopped";
  readonly restartGeneration: number;
}

/** The labels of a new container. */
export function toLabels(
  platform: string,
  desired: DesiredService,
  facts: { component: DesiredComponent; instance: string; ports: Readonly<Record<string, number>> },
): Record<string, string> {
  const { component, instance, ports } = facts;
  return {
    [platformLabel]: platform,
    "mcp.service": desired.service,
    "mcp.component": component.name,
    "mcp.revision": String(desired.revision),
    "mcp.spec-hash": component.specHash,
    "mcp.deployment": desired.deploymentId,
    "mcp.instance": instance,
    "mcp.image": component.image,
    "mcp.ports": JSON.stringify(ports),
    "mcp.health-check": JSON.stringify(component.healthCheck),
    "mcp.restart": component.restart,
    "mcp.restart-generation": String(desired.restartGeneration),
  };
}

/** What the labels of a container say; `undefined` when they are not ours or not whole: such a container is left alone. */
export function parseLabels(platform: string, labels: Readonly<Record<string, string>>): LabelFacts | undefined {
  const parsed = InstanceLabels.safeParse(labels);
  if (!parsed.success || labels[platformLabel] !== platform) return undefined;
  const { data } = parsed;
  return {
    service: data["mcp.service"],
    component: data["mcp.component"],
    revision: data["mcp.revision"],
    specHash: data["mcp.spec-hash"],
    deploymentId: data["mcp.deployment"],
    instance: data["mcp.instance"],
    image: data["mcp.image"],
    ports: data["mcp.ports"],
    healthCheck: data["mcp.health-check"],
    restart: data["mcp.restart"],
    restartGeneration: data["mcp.restart-generation"],
  };
}
