import type { ServiceDefinition } from "#shared/contract/definition.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";

/**
 * Without the admin role a service gets no wildcard name, which would catch names of others, and makes the proxy ask no URL of its
 * choice, which would reach what only the proxy's machine can reach, with the tokens of those who ask.
 *
 * @throws {PlatformError} forbidden — for such a route
 */
export function assertRouteAccess(definition: ServiceDefinition): void {
  for (const { routes } of definition.components) {
    for (const { hostname, policies } of routes) {
      if (hostname?.startsWith("*.") === true) {
        throw new PlatformError(
          "forbidden",
          `Cannot route "${hostname}" to "${definition.name}": the caller is no admin, expected a name without "*."`,
        );
      }
      if (policies?.forward_auth !== undefined && policies.forward_auth !== "mcias") {
        throw new PlatformError(
          "forbidden",
          `Cannot ask "${policies.forward_auth}" for "${definition.name}": the caller is no admin, expected forward_auth "mcias"`,
        );
      }
    }
  }
}
