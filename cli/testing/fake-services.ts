import type { ServiceDefinition } from "#shared/contract/definition.ts";
import type { ServiceDetail } from "#shared/contract/mcp.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";

/** The services of a fake platform by name. */
export type FakeServices = Map<string, ServiceDetail>;

/** The service, or the contract's not-found. */
export function getFakeService(services: FakeServices, service: string): ServiceDetail {
  const found = services.get(service);
  if (found !== undefined) return found;
  throw new PlatformError(
    "not-found",
    `Cannot show service "${service}": it is not known, expected one of: ${[...services.keys()].join(", ")}`,
  );
}

/** A service that is defined, with nothing running. */
export function newFakeService(definition: ServiceDefinition): ServiceDetail {
  const { name, node } = definition;
  const state = { revision: 1, desired: "defined", observed: "defined", versions: {} } as const;
  return { name, node, ...state, definition, instances: [], routes: [], deployments: [] };
}
