import { createPodmanConnection } from "./connection.ts";
import { createContainers, type PodmanContainers } from "./containers.ts";
import { createEvents, type PodmanEvents } from "./events.ts";
import { createImages, type PodmanImages } from "./images.ts";
import { createLogs, type PodmanLogs } from "./logs.ts";
import { createNetworks, type PodmanNetworks } from "./networks.ts";
import { createSystem, type PodmanSystem } from "./system.ts";

/** Everything that the driver can ask podman. */
export interface Podman
  extends PodmanSystem, PodmanImages, PodmanContainers, PodmanLogs, PodmanEvents, PodmanNetworks {}

/**
 * A driver for podman's libpod REST API (v4.0.0 paths) behind a unix socket. Holds no connection between calls, so a podman
 * service may restart at any time. Every operation throws `unavailable` when the socket does not answer.
 */
export function createPodman(socketPath: string): Podman {
  const connection = createPodmanConnection(socketPath);
  return {
    ...createSystem(connection),
    ...createImages(connection),
    ...createContainers(connection),
    ...createLogs(connection),
    ...createEvents(connection),
    ...createNetworks(connection),
  };
}
