import type {
  ComponentDefinition,
  HealthDefinition,
  RouteDefinition,
  ServiceDefinition,
} from "#shared/contract/definition.ts";
import { type DesiredComponent, type DesiredRoute, HealthCheck } from "#shared/contract/state.ts";
import type { RouteMode } from "#shared/contract/route.ts";
import { DurationMs } from "#shared/mcdsl/duration.ts";
import { type ForwardAuthUrl, toPauseSeconds, toRouteRules } from "./to-route-rules.ts";

/** What turns a definition into components that a node can run. */
export interface DesiredComponentsOptions {
  readonly definition: ServiceDefinition;
  /** Digests of the images that the registry knows, by reference. */
  readonly digests: ReadonlyMap<string, string>;
  /** Suffix of default host names: `svc.<domain>`. */
  readonly serviceDomain: string;
  /** SHA-256 of a text, as hex. */
  readonly hash: (text: string) => string;
  /** URL by which the node's proxy asks MCIAS, for `forward_auth = "mcias"`. */
  readonly forwardAuthUrl: ForwardAuthUrl;
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
    // How routes are served is not part of it: a change of theirs alone needs no new container.
    // The check is part of it although it makes no container: a new check is proven by a new instance.
    specHash: options.hash(JSON.stringify([shape, routeNames, healthCheck, options.salt ?? ""])).slice(0, 32),
    strategy: component.update ?? (component.volumes.length > 0 ? "recreate" : "rolling"),
    routes: component.routes.map((route) => toDesiredRoute(route, options)),
    healthCheck,
  };
}

function toDesiredRoute(
  route: RouteDefinition,
  { definition, serviceDomain, forwardAuthUrl }: DesiredComponentsOptions,
): DesiredRoute {
  const rules = toRouteRules(route, forwardAuthUrl(definition.name));
  const pauseSeconds = toPauseSeconds(route);
  return {
    ...(route.name === undefined ? {} : { name: route.name }),
    port: route.port,
    mode: route.mode,
    hostname: route.hostname ?? `${definition.name}.${serviceDomain}`,
    ...(rules === undefined ? {} : { rules }),
    ...(pauseSeconds === undefined ? {} : { pauseSeconds }),
  };
}

function toHealthCheck(health: HealthDefinition | undefined): HealthCheck {
  if (health === undefined) return HealthCheck.parse({});
  const { timeout, ...check } = health;
  return HealthCheck.parse({ ...check, timeoutSeconds: DurationMs.parse(timeout) / 1000 });
}

/** Whether the platform's CA is to issue a certificate for a route: it has none for wildcards, and a public CA issues its own. */
export function needsPlatformCertificate(
  { mode, hostname, certificate }: {
    readonly mode: RouteMode;
    readonly hostname: string;
    readonly certificate?: "acme" | undefined;
  },
): boolean {
  return mode === "l7" && certificate === undefined && !hostname.startsWith("*.");
}

/** The host names of routes that need a certificate of the platform's CA. */
export function listCertificateNames(components: readonly DesiredComponent[]): string[] {
  const names = components.flatMap(({ routes }) =>
    routes.filter(({ rules, ...route }) => needsPlatformCertificate({ ...route, certificate: rules?.certificate }))
      .map(({ hostname }) => hostname)
  );
  return [...new Set(names)].sort();
}

/** The keys of the routes feed that components ask for. */
export function listRouteKeys(components: readonly DesiredComponent[]): string[] {
  return components.flatMap(({ routes }) => routes.map(({ hostname, port }) => `${hostname}:${port}`));
}
