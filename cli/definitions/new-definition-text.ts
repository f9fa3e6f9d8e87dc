/** The text that a new definition begins with: the guide's minimal example under the service's name. */
export function newDefinitionText(service: string): string {
  return `name = "${service}"
node = "rift"

[build.images]
${service} = "Dockerfile"

[[components]]
name = "web"
image = "mcr.svc.mcp.metacircular.net:8443/${service}:v1.0.0"

[[components.routes]]
port = 8443
mode = "l7"
`;
}
