import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "#shared/log/log.ts";
import { createPodman, type Podman } from "../podman.ts";
import { type PodmanService, startPodmanService } from "../podman-service.ts";
import { buildBusyboxImage } from "./busybox-image.ts";

/** A podman service of its own with a busybox image; disposal removes the containers, networks and image of the test. */
export interface PodmanFixture extends AsyncDisposable {
  /** The driver. */
  readonly podman: Podman;
  /** The service. */
  readonly service: PodmanService;
  /** A temporary folder. */
  readonly folder: string;
  /** Unique to this fixture; containers labelled `mcp.platform=<platform>` are removed at the end. */
  readonly platform: string;
  /** Reference of the busybox image. */
  readonly image: string;
  /** A network name that is removed at the end, should it exist. */
  readonly network: string;
}

/** Starts a podman service in a temporary folder for one test file. */
export async function startPodmanFixture(): Promise<PodmanFixture> {
  const platform = `test-${randomBytes(4).toString("hex")}`;
  const folder = await mkdtemp(join(tmpdir(), "podman-"));
  const service = await startPodmanService({ folder, log: silentLog });
  const podman = createPodman(service.socketPath);
  const image = `localhost/${platform}:v1.0.0`;
  const network = `${platform}-net`;
  await buildBusyboxImage(image, { environment: service.environment });
  async function dispose(): Promise<void> {
    const containers = await podman.listContainers(`mcp.platform=${platform}`);
    await Promise.all(containers.map(({ id }) => podman.removeContainer(id, { force: true }).catch(() => undefined)));
    if (await podman.networkExists(network)) await podman.removeNetwork(network);
    await podman.removeImage(image, { force: true }).catch(() => undefined);
    await service[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  }
  return { podman, service, folder, platform, image, network, [Symbol.asyncDispose]: dispose };
}
