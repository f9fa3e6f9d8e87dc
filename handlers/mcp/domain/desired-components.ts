import type { ComponentDefinition, HealthDefinition, ServiceDefinition } from "#shared/contract/definition.ts";
import { type DesiredComponent, HealthCheck } from "#shared/contract/state.ts";
import { DurationMs } from "#shared/mcdsl/duration.ts";

/** What turns a definition into components that a node can run. */
export interface DesiredComponentsOptions {
  readonly definition: ServiceDefinition;
  /** Digests of the images that the registry knows, by reference. */
  readonly digests: ReadonlyMap<string, string>;
  /** Suffix of default host names: `svc.<domain>`. */
  readonly serviceDomain: string;
  /** SHA-256 of a text, as hex. */
  readonly hash: (text: string) => string;
  /** Makes all spec hashes new, so that every container is replaced. */
  readonly salt?: string;
}

/** The components of a definition, with defaults filled in and a hash of what makes each container. */
export function toDesiredComponents(options: DesiredComponentsOptions): DesiredComponent[] {
  return options.definition.components.map((component) => toDesiredComponent(component, options));
}

function toDesiredComponent(component: ComponentDefinition, options: DesiredComponentsOptions): DesiredComponent {
  const digest = options.digests.get(component.image);
  const shape = {
    name: component.name,
    image: component.image,
    ...(digest === undefined ? {} : { imageDigest: digest }),
    volumes: component.volumes,
    command: component.cmd,
    env: component.env,
    network: component.network,
    user: component.user,
    restart: component.restart,
  };
  const healthCheck = toHealthCheck(component.health);
  const routeNames = component.routes.map((route) => route.name ?? "");
  return {
    ...shape,
    // The check is part of it although it makes no container: a new check is proven by a new instance.
    specHash: options.hash(JSON.stringify([shape, routeNames, healthCheck, options.salt ?? ""])).slice(0, 32),
    strategy: component.update ?? (component.volumes.length > 0 ? "recreate" : "rolling"),
    routes: component.routes.map((route) => ({
      ...(route.name === undefined ? {} : { name: route.name }),
      port: route.port,
      mode: route.mode,
      hostname: route.hostname ?? `${options.definition.name}.${options.serviceDomain}`,
    })),
    healthCheck,
  };
}

function toHealthCheck(health: HealthDefinition | undefined): HealthCheck {
  if (health === undefined) return HealthCheck.parse({});
  const { timeout, ...check } = health;
  return HealthCheck.parse({ ...check, timeoutSeconds: DurationMs.parse(timeout) / 1000 });
}

/** The host names of L7 routes: each needs a certificate. */
export function listCertificateNames(components: readonly DesiredComponent[]): string[] {
  const names = components.flatMap(({ routes }) =>
    routes.filter(({ mode }) => mode === "l7").map(({ hostname }) => hostname)
  );
  return [...new Set(names)].sort();
}

/** The keys of the routes feed that components ask for. */
export function listRouteKeys(components: readonly DesiredComponent[]): string[] {
  return components.flatMap(({ routes }) => routes.map(({ hostname, port }) => `${hostname}:${port}`));
}
