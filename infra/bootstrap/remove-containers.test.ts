import assert from "node:assert/strict";
import { test } from "node:test";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { silentLog } from "#shared/log/log.ts";
import { type ContainerRemover, removePlatformContainers } from "./remove-containers.ts";

function fakePodman(count: number, failing: Readonly<Record<string, PlatformError>> = {}) {
  const containers = new Set(Array.from({ length: count }, (_, index) => `c${index}`));
  const asked: string[] = [];
  let silentPings = 2;
  const podman: ContainerRemover = {
    ping: () => silentPings-- > 0 ? Promise.reject(new PlatformError("unavailable", "not yet")) : Promise.resolve(),
    listContainers(label) {
      asked.push(label);
      return Promise.resolve([...containers].map((id) => ({ id, name: `name-${id}` })));
    },
    stopContainer: (id) => failing[id] === undefined ? Promise.resolve() : Promise.reject(failing[id]),
    removeContainer(id) {
      containers.delete(id);
      return Promise.resolve();
    },
  };
  return { podman, containers, asked };
}

test("removePlatformContainers() removes what carries the platform's label once podman answers", async () => {
  const { podman, containers, asked } = fakePodman(20);
  assert.equal(await removePlatformContainers(podman, "p1", silentLog), 20);
  assert.equal(containers.size, 0);
  assert.deepEqual(asked, ["mcp.platform=p1"]);
});

test("removePlatformContainers() goes on after a failure, tells it, and passes over those that are gone", async () => {
  const { podman, containers } = fakePodman(3, {
    c0: new PlatformError("podman-failed", "it is stuck"),
    c1: new PlatformError("not-found", "it is gone"),
  });
  await assert.rejects(
    removePlatformContainers(podman, "p1", silentLog),
    /Cannot remove 1 of 3 containers: name-c0: it is stuck/,
  );
  assert.deepEqual([...containers], ["c0", "c1"]);
});
