import type { networkInterfaces } from "node:os";
import { isIP } from "node:net";
import type { EndpointAddress } from "../forward/endpoint-address.ts";

/** The machine's addresses, as `os.networkInterfaces()` gives them. */
export type Interfaces = ReturnType<typeof networkInterfaces>;

/**
 * The endpoints with wildcard addresses replaced by each address of the machine: a UDP reply from a wildcard socket can leave from
 * another address than the one that was asked, and then resolvers drop it.
 */
export function expandEndpoints(endpoints: readonly EndpointAddress[], interfaces: Interfaces): EndpointAddress[] {
  const expanded = endpoints.flatMap((endpoint) => {
    if (endpoint.address !== "0.0.0.0" && endpoint.address !== "::") return [endpoint];
    const family = isIP(endpoint.address);
    return listAddresses(interfaces)
      .filter((address) => isIP(address) === family)
      .map((address) => ({ ...endpoint, address }));
  });
  return [...new Map(expanded.map((endpoint) => [`${endpoint.address} ${endpoint.port}`, endpoint])).values()];
}

/** All addresses of the machine but link-local ones, which mean nothing without their interface. */
export function listAddresses(interfaces: Interfaces): string[] {
  return Object.values(interfaces).flatMap((addresses) => addresses ?? []).map(({ address }) => address)
    .filter((address) => !/^fe[89ab]/i.test(address));
}
