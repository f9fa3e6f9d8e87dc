import { inPath, type PodmanConnection } from "./connection.ts";
import { exists } from "./images.ts";

/** Network operations. */
export interface PodmanNetworks {
  /** Whether a network has this name. */
  networkExists(name: string): Promise<boolean>;
  /** Creates a bridge network. @throws {PlatformError} conflict — when the name is taken */
  createNetwork(name: string, labels: Readonly<Record<string, string>>): Promise<void>;
  /** Removes a network. @throws {PlatformError} not-found, podman-failed — when containers use it */
  removeNetwork(name: string): Promise<void>;
}

/** The network operations over a connection. */
export function createNetworks(connection: PodmanConnection): PodmanNetworks {
  return {
    networkExists: (name) => exists(connection, `/networks/${inPath(name)}/exists`, `look for network "${name}"`),
    async createNetwork(name, labels) {
      // With name resolution, so that services on one network reach each other by container name.
      const body = { name, driver: "bridge", dns_enabled: true, labels };
      await connection.text({ method: "POST", path: "/networks/create", body, action: `create network "${name}"` });
    },
    async removeNetwork(name) {
      await connection.text({
        method: "DELETE",
        path: `/networks/${inPath(name)}`,
        action: `remove network "${name}"`,
      });
    },
  };
}
