import type { ServiceDefinition } from "#shared/contract/definition.ts";
import { type Deployment, type DeploymentEvent, type DeploymentKind, mcpContract } from "#shared/contract/mcp.ts";
import type { Api } from "#shared/contract/server.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { type FakeServices, getFakeService, newFakeService } from "./fake-services.ts";
import { toNdjson } from "./ndjson-body.ts";

/** How the next deployment goes. */
export interface DeploymentScript {
  readonly events: readonly Partial<DeploymentEvent>[];
  readonly status?: Deployment["status"];
  readonly error?: string;
  /** Where each connection breaks, as a number of events; the last connections do not. */
  readonly breaks?: number[];
  /** Never ends. */
  readonly isEndless?: boolean;
  /** Called when a connection has handed over its events. */
  readonly onSent?: () => void;
}

/** The deployments of a fake platform. */
export interface FakeDeployments {
  script: DeploymentScript;
  /** Definition and force of each deploy. */
  readonly deployed: { readonly definition: ServiceDefinition | undefined; readonly force: boolean }[];
  /** `after` of each connection that follows a deployment. */
  readonly followedAfter: number[];
  implement(api: Api, services: FakeServices): void;
}

/** Deployments that go as their script says; the first has the id `d1`. */
export function createFakeDeployments(): FakeDeployments {
  const byId = new Map<string, { readonly deployment: Deployment; readonly script: DeploymentScript }>();
  const fakeDeployments: FakeDeployments = {
    script: { events: [] },
    deployed: [],
    followedAfter: [],
    implement(api, services) {
      const begin = (service: string, kind: DeploymentKind) => {
        const { script } = fakeDeployments;
        const deployment = toDeployment({
          id: `d${byId.size + 1}`,
          service,
          kind,
          revision: services.get(service)?.revision ?? 1,
        }, script);
        byId.set(deployment.id, { deployment, script });
        if (deployment.status === "succeeded") settle(services, service, kind);
        return Promise.resolve(deployment);
      };
      implementChanges(api, { services, fakeDeployments, begin });
      const find = (id: string) => {
        const found = byId.get(id);
        if (found === undefined) {
          throw new PlatformError("not-found", `Cannot show deployment "${id}": it is not known, expected a known one`);
        }
        return found;
      };
      api.implement(mcpContract.getDeployment, ({ params }) => Promise.resolve(find(params.id).deployment));
      api.implement(mcpContract.followDeployment, ({ params, query, request }) => {
        const { script, deployment } = find(params.id);
        fakeDeployments.followedAfter.push(query.after);
        const values = toEvents(script, deployment).filter(({ sequence }) => sequence > query.after);
        const stream = {
          values,
          breaksAfter: script.breaks?.shift(),
          staysOpen: script.isEndless === true,
          signal: request.signal,
          onSent: script.onSent,
        };
        return Promise.resolve(new Response(toNdjson(stream)));
      });
    },
  };
  return fakeDeployments;
}

interface Changes {
  readonly services: FakeServices;
  readonly fakeDeployments: FakeDeployments;
  readonly begin: (service: string, kind: DeploymentKind) => Promise<Deployment>;
}

function implementChanges(api: Api, { services, fakeDeployments, begin }: Changes): void {
  api.implement(mcpContract.deploy, ({ params, body }) => {
    fakeDeployments.deployed.push({ definition: body.definition, force: body.force });
    const { definition } = body;
    if (definition !== undefined) {
      const before = services.get(params.service);
      services.set(params.service, {
        ...(before ?? newFakeService(definition)),
        definition,
        revision: (before?.revision ?? 0) + 1,
      });
    }
    return begin(params.service, "deploy");
  });
  for (const kind of ["stop", "start", "restart", "undeploy"] as const) {
    api.implement(mcpContract[kind], ({ params }) => {
      getFakeService(services, params.service);
      return begin(params.service, kind);
    });
  }
}

/** A change that succeeds shows in the service at once. */
function settle(services: FakeServices, service: string, kind: DeploymentKind): void {
  const detail = getFakeService(services, service);
  if (kind === "undeploy") return void services.delete(service);
  const isRunning = kind !== "stop";
  const { components } = detail.definition;
  services.set(service, {
    ...detail,
    desired: isRunning ? "running" : "stopped",
    observed: isRunning ? "healthy" : "stopped",
    versions: Object.fromEntries(components.map(({ name, image }) => [name, image.split(":").at(-1) ?? ""])),
    routes: components.flatMap(({ name, routes }) =>
      routes.map(({ port, mode }) => ({
        hostname: `${service}.svc.test`,
        port,
        mode,
        component: name,
        name: null,
        url: `https://${service}.svc.test:${port}/`,
        backends: 1,
        problem: null,
      }))
    ),
  });
}

function toDeployment(
  facts: Pick<Deployment, "id" | "service" | "kind" | "revision">,
  script: DeploymentScript,
): Deployment {
  const status = script.isEndless === true ? "starting" : script.status ?? "succeeded";
  return {
    ...facts,
    status,
    createdBy: "admin",
    createdAt: "2026-11-24T10:00:00.000Z",
    finishedAt: script.isEndless === true ? null : "2026-11-24T10:00:01.500Z",
    error: script.error ?? null,
  };
}

function toEvents(script: DeploymentScript, { status }: Deployment): DeploymentEvent[] {
  const blank = { at: "2026-11-24T10:00:00.000Z", step: "start", state: "done", component: null, message: "" } as const;
  const events = script.events.map((event, index) => ({
    ...blank,
    sequence: index + 1,
    elapsedMs: (index + 1) * 100,
    ...event,
  }));
  if (script.isEndless === true) return events;
  const last = {
    ...blank,
    sequence: events.length + 1,
    elapsedMs: 1500,
    step: "finish",
    message: status,
    status,
  } as const;
  return [...events, last];
}
