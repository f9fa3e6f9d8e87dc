/** What a new definition depends on. */
export interface NewDefinition {
  readonly service: string;
  /** Registry as images name it: `host:port`. */
  readonly registry: string;
  readonly node: string;
}

/** Port of the guide's routes. */
const usualPort = "8443";

/** The text that a new definition begins with: the guide's minimal example for the service, on the platform's own registry and node. */
export function newDefinitionText({ service, registry, node }: NewDefinition): string {
  // The registry is reached through the proxy that will serve the route.
  const port = /:(\d+)$/.exec(registry)?.[1] ?? usualPort;
  return `name = "${service}"
node = "${node}"

[build.images]
${service} = "Dockerfile"

[[components]]
name = "web"
image = "${registry}/${service}:v1.0.0"

[[components.routes]]
port = ${port}
mode = "l7"
`;
}
