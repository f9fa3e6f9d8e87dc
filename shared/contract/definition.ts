/** The service definition of guide §2: what the operator writes as TOML, checked as a whole. */
import { z } from "zod";
import { describeError } from "../errors/platform-error.ts";
import { type ImageReference, parseImageReference } from "./image-reference.ts";
import { Label, Port } from "./names.ts";
import { RouteHost, RouteMode } from "./route.ts";
import { listRouteProblems, routeRuleFields } from "./route-definition.ts";
import { HealthCheck, UpdateStrategy } from "./state.ts";

const Image = z.string().max(512).superRefine((text, context) => {
  try {
    parseImageReference(text);
  } catch (error) {
    context.addIssue({ code: "custom", message: describeError(error) });
  }
});

const Volume = z
  .string()
  .max(512)
  .regex(/^\/[^:]*:\/[^:]*(:(ro|rw|z|Z))?$/, 'expected "/host/path:/container/path"');

/** `[[components.routes]]` of the guide. */
export const RouteDefinition = z.strictObject({
  name: Label.optional().describe(
    "Names the port: `$PORT_<NAME>` in the container, `$PORT` without a name. Needed once a component has several routes.",
  ),
  port: Port.describe("Port that clients connect to. Each port once for a host name."),
  mode: RouteMode.describe(
    "`l4`: TLS goes through to the component. `l7`: the proxy terminates TLS and speaks HTTP to it.",
  ),
  hostname: RouteHost.optional().describe(
    "Host name that clients ask for; `<service>.svc.<domain>` unless given. `*.` before a name (admins only) stands for any single label.",
  ),
  ...routeRuleFields,
});
/** A route as written. */
export type RouteDefinition = z.infer<typeof RouteDefinition>;

/** `[components.health]`: how the platform decides that an instance may serve; without it, a TCP connect on each route. */
export const HealthDefinition = z.strictObject({
  path: HealthCheck.shape.path.describe(
    "Path asked over plain HTTP on the route's port; 2xx and 3xx are healthy. Needs a route.",
  ),
  route: HealthCheck.shape.route.describe("Name of the route that is asked; the first unless given."),
  timeout: z.string().regex(/^(([1-9]\d?|[1-5]\d\d|600)s|[1-9]m|10m)$/, 'expected a duration such as "30s" or "5m"')
    .default("30s")
    .describe("How long a new instance may take to become healthy, from 1 s to 10 min."),
});
/** `[components.health]` as written. */
export type HealthDefinition = z.infer<typeof HealthDefinition>;

/** `[[components]]` of the guide. */
export const ComponentDefinition = z.strictObject({
  name: Label.describe("Name of the component, unique in the service."),
  image: Image.describe("Full image reference; the tag is a semantic version, such as `v1.2.3`."),
  volumes: z.array(Volume).max(32).default([]).describe(
    "Bind mounts. `:ro` behind one makes it read-only; the other suffixes are accepted and change nothing.",
  ),
  cmd: z.array(z.string().max(4096)).max(128).default([]).describe("Arguments instead of the image's `CMD`."),
  env: z
    .array(z.string().max(8192).regex(/^[A-Za-z_][A-Za-z0-9_]*=/, 'expected "KEY=VALUE"'))
    .max(256)
    .default([])
    .describe("Environment variables. The platform's `$PORT` variables win over them."),
  network: z.string().max(64).regex(/^[a-z][a-z0-9_.-]*$/, "expected a network name, host or none").default("mcpnet")
    .describe("Podman network; made on the node when it is missing."),
  user: z.string().max(64).regex(/^[a-z0-9_-]+(:[a-z0-9_-]+)?$/, 'expected "user:group"').default("0:0").describe(
    "User in the container. Under rootless podman `0:0` is the user that podman runs as.",
  ),
  restart: z.enum(["no", "on-failure", "always", "unless-stopped"]).default("unless-stopped").describe(
    "Whether the agent starts a container again that exited after it had been healthy; `on-failure` looks at the exit code.",
  ),
  update: UpdateStrategy.optional().describe(
    "How a new version replaces the old one: beside it or after it. `recreate` for components with volumes, else `rolling`, unless given.",
  ),
  health: HealthDefinition.optional().describe(
    "How the platform decides that an instance may serve. Without it: a TCP connect on the port of each route.",
  ),
  routes: z.array(RouteDefinition).max(32).default([]).describe("How clients reach the component."),
});
/** A component as written. */
export type ComponentDefinition = z.infer<typeof ComponentDefinition>;

/** A whole service definition, with the rules that span fields. */
export const ServiceDefinition = z
  .strictObject({
    name: Label.describe("Name of the service, and of its file."),
    node: Label.describe("Node that it runs on."),
    active: z.boolean().default(true).describe("Whether it should run. `mcp stop` and `mcp start` write this."),
    path: z.string().max(512).optional().describe("Source folder, relative to the workspace; the name unless given."),
    build: z
      .strictObject({
        images: z.record(
          z.string().max(255),
          z.string().max(512).describe("Dockerfile, relative to the source folder."),
        )
          .default({})
          .describe(
            "Images that `mcp build` makes. The key is the image's name: what is between the last `/` and the `:` of a component's `image`.",
          ),
      })
      .default({ images: {} }),
    components: z.array(ComponentDefinition).min(1).max(32).describe(
      "What the service consists of: one component at least.",
    ),
  })
  .superRefine((definition, context) => {
    for (const { path, message } of crossFieldProblems(definition)) {
      context.addIssue({ code: "custom", path: [...path], message });
    }
  });
/** A whole service definition. */
export type ServiceDefinition = z.infer<typeof ServiceDefinition>;

interface FieldProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}
type Definition = Pick<ServiceDefinition, "build" | "components">;

function crossFieldProblems(definition: Definition): FieldProblem[] {
  return [
    ...duplicateComponents(definition),
    ...definition.components.flatMap((component, index) => [
      ...routeNameProblems(component, index),
      ...routeRuleProblems(component, index),
      ...healthProblems(component, index),
      ...healthProtocolProblems(component, index),
    ]),
    ...routeTargetProblems(definition),
    ...buildProblems(definition),
  ];
}

function duplicateComponents({ components }: Definition): FieldProblem[] {
  return components.flatMap(({ name }, index) =>
    components.findIndex((other) => other.name === name) < index
      ? [{ path: ["components", index, "name"], message: `"${name}" is used twice, expected a name of its own` }]
      : []
  );
}

function routeNameProblems({ routes }: ComponentDefinition, component: number): FieldProblem[] {
  return routes.flatMap((route, index): FieldProblem[] => {
    const path = ["components", component, "routes", index, "name"];
    if (route.name === undefined) {
      return routes.length === 1
        ? []
        : [{ path, message: "missing, expected a name since the component has several routes" }];
    }
    const isDuplicate = routes.findIndex((other) => other.name === route.name) < index;
    return isDuplicate ? [{ path, message: `"${route.name}" is used twice, expected a name of its own` }] : [];
  });
}

function routeRuleProblems({ routes }: ComponentDefinition, component: number): FieldProblem[] {
  return routes.flatMap((route, index) =>
    listRouteProblems(route).map(({ path, message }) => ({
      path: ["components", component, "routes", index, ...path],
      message,
    }))
  );
}

function healthProblems({ health, routes }: ComponentDefinition, component: number): FieldProblem[] {
  const path = ["components", component, "health"];
  if (health?.path !== undefined && routes.length === 0) {
    return [{ path: [...path, "path"], message: "there is no route to ask, expected a component with a route" }];
  }
  if (health?.route === undefined || routes.some(({ name }) => name === health.route)) return [];
  const names = routes.flatMap(({ name }) => name ?? []);
  const message = `no route is named "${health.route}", expected one of: ${names.join(", ")}`;
  return [{ path: [...path, "route"], message }];
}

function healthProtocolProblems({ health, routes }: ComponentDefinition, component: number): FieldProblem[] {
  if (health?.path === undefined) return [];
  const asked = health.route === undefined ? routes[0] : routes.find(({ name }) => name === health.route);
  if (asked?.backend !== "https" && asked?.backend !== "h2") return [];
  const message =
    `it is asked over plain HTTP, but the route's backend is "${asked.backend}", expected another route or no path`;
  return [{ path: ["components", component, "health", "path"], message }];
}

function routeTargetProblems({ components }: Definition): FieldProblem[] {
  const seen = new Set<string>();
  return components.flatMap(({ routes }, component) =>
    routes.flatMap((route, index): FieldProblem[] => {
      const target = `${route.hostname ?? ""}:${route.port}`;
      const isNew = !seen.has(target);
      seen.add(target);
      return isNew ? [] : [{
        path: ["components", component, "routes", index, "port"],
        message: `${route.port} is routed twice for the same host name, expected each port once`,
      }];
    })
  );
}

function buildProblems({ build, components }: Definition): FieldProblem[] {
  const names = new Set(components.flatMap(({ image }) => repositoryNameOf(image) ?? []));
  return Object.keys(build.images).flatMap((key) =>
    names.has(key) ? [] : [{
      path: ["build", "images", key],
      message: `no component uses an image "${key}", expected one of: ${[...names].join(", ")}`,
    }]
  );
}

function repositoryNameOf(image: string): string | undefined {
  try {
    return parseImageReference(image).name;
  } catch {
    // What is wrong is reported where the image is written; its name still tells which build it wants.
    return /([^/:@]+)(?:[:@][^/]*)?$/.exec(image)?.[1];
  }
}

/** A component image that `[build.images]` can build: its reference and its Dockerfile, relative to the source folder. */
export interface BuildableImage {
  readonly image: string;
  readonly reference: ImageReference;
  readonly dockerfile: string;
}

/** The images of a definition that can be built, each once. */
export function listBuildableImages(definition: ServiceDefinition): BuildableImage[] {
  const images = new Map<string, BuildableImage>();
  for (const { image } of definition.components) {
    const reference = parseImageReference(image);
    const dockerfile = definition.build.images[reference.name];
    if (dockerfile !== undefined) images.set(image, { image, reference, dockerfile });
  }
  return [...images.values()];
}
