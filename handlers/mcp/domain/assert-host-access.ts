import { posix } from "node:path";
import type { ServiceDefinition } from "#shared/contract/definition.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";

/**
 * Without the admin role a service gets at nothing of its node but its own data folder, `/srv/<service>` (guide §4): another folder may
 * hold other services' secrets or the platform's own, and the host's network reaches what listens on loopback only.
 *
 * @throws {PlatformError} forbidden — for a volume elsewhere, or the host's network
 */
export function assertHostAccess(definition: ServiceDefinition): void {
  const own = `/srv/${definition.name}`;
  for (const { name, volumes, network } of definition.components) {
    for (const volume of volumes) {
      const source = posix.normalize(volume.split(":")[0] ?? "");
      if (source === own || source.startsWith(`${own}/`)) continue;
      throw new PlatformError(
        "forbidden",
        `Cannot mount "${source}" into "${definition.name}/${name}": the caller is no admin, expected ${own} or a folder in it`,
      );
    }
    if (network === "host") {
      throw new PlatformError(
        "forbidden",
        `Cannot run "${definition.name}/${name}" in the network "host": the caller is no admin, expected another network`,
      );
    }
  }
}
