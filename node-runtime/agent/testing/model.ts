import type { DesiredComponent, DesiredService } from "#shared/contract/state.ts";
import { parseLabels } from "../domain/labels.ts";
import type { ObservedInstance } from "../domain/observed-instance.ts";
import type { Operation } from "../domain/operation.ts";
import { componentKey, componentsToCreate, planNode } from "../domain/plan.ts";
import type { Provision } from "../domain/plan-component.ts";

/** The platform id of the model. */
export const modelPlatform = "model";

/** A component with defaults. */
export function makeComponent(more: Partial<DesiredComponent> = {}): DesiredComponent {
  return {
    name: "web",
    image: "mcr.example.net:8443/web:v1.0.0",
    specHash: "spec-a",
    volumes: [],
    command: [],
    env: [],
    network: "mcpnet",
    restart: "always",
    strategy: "rolling",
    routes: [{ port: 8443, mode: "l7", hostname: "web.example.net" }],
    healthCheck: { timeoutSeconds: 30 },
    ...more,
  };
}

/** A service with defaults. */
export function makeService(more: Partial<DesiredService> = {}): DesiredService {
  return {
    service: "shop",
    revision: 1,
    deploymentId: "deployment-1",
    state: "running",
    components: [makeComponent()],
    keepOld: false,
    restartGeneration: 0,
    ...more,
  };
}

/** An instance with defaults: the healthy one that a {@link makeService} leads to. */
export function makeInstance(more: Partial<ObservedInstance> = {}): ObservedInstance {
  const instance = more.instance ?? "one";
  return {
    containerId: `id-${instance}`,
    containerName: `shop-web-${instance}`,
    service: "shop",
    component: "web",
    instance,
    revision: 1,
    specHash: "spec-a",
    deploymentId: "deployment-1",
    image: "mcr.example.net:8443/web:v1.0.0",
    ports: { "": 12_000 },
    healthCheck: { timeoutSeconds: 30 },
    restart: "always",
    restartGeneration: 0,
    state: "running",
    exitCode: 0,
    startedAt: "2026-01-01T00:00:00.000Z",
    stoppedByAgent: false,
    health: "healthy",
    awaitsJudgement: false,
    failure: undefined,
    ...more,
  };
}

/** Ports and local images for everything that would be created. */
export function provide(
  desired: readonly DesiredService[],
  observed: readonly ObservedInstance[],
  hasImage = false,
): Map<string, Provision> {
  let port = 20_000;
  return new Map(
    componentsToCreate({ desired, observed }).map(({ service, component, portCount }) => [
      componentKey({ service: service.service, component: component.name }),
      { ports: Array.from({ length: portCount }, () => port++), hasImage },
    ]),
  );
}

/** The plan of the model. */
export function planModel(
  desired: readonly DesiredService[],
  observed: readonly ObservedInstance[],
  hasImage = false,
): Operation[] {
  return planNode({ platform: modelPlatform, desired, observed, provisions: provide(desired, observed, hasImage) });
}

/** What is there after an operation on a machine where everything works. */
export function applyOperation(observed: readonly ObservedInstance[], operation: Operation): ObservedInstance[] {
  const change = (facts: Partial<ObservedInstance>) =>
    observed.map((one) => (one.containerName === operation.containerName ? { ...one, ...facts } : one));
  switch (operation.kind) {
    case "pull":
      return [...observed];
    case "create":
      return [...observed, toCreated(operation)];
    case "start":
    case "restart":
      return change({
        state: "running",
        health: "healthy",
        stoppedByAgent: false,
        restartGeneration: operation.restartGeneration,
      });
    case "stop":
      return change({ state: "exited", stoppedByAgent: true });
    case "remove":
      return observed.filter((one) => one.containerName !== operation.containerName);
  }
}

function toCreated(operation: Extract<Operation, { kind: "create" }>): ObservedInstance {
  const facts = parseLabels(modelPlatform, operation.container.labels);
  if (facts === undefined) throw new TypeError("Cannot create the container: its labels do not parse");
  return makeInstance({
    ...facts,
    containerId: `id-${operation.instance}`,
    containerName: operation.containerName,
    state: "created",
    health: "starting",
    startedAt: undefined,
  });
}
