import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import type { ContainerSpec } from "./create-container.ts";
import { createPodman } from "./podman.ts";
import { whyNoPodman } from "./testing/busybox-image.ts";
import { type PodmanFixture, startPodmanFixture } from "./testing/podman-fixture.ts";

const skip = whyNoPodman() ?? false;
if (skip) console.log(`skipping tests with a real podman: ${skip}`);

let fixture: PodmanFixture;
before(async () => {
  if (!skip) fixture = await startPodmanFixture();
});
after(async () => {
  if (!skip) await fixture[Symbol.asyncDispose]();
});

const hasCode = (code: string, text: RegExp) => (error: unknown) =>
  error instanceof PlatformError && error.code === code && text.test(error.message);
const stubborn = "trap 'exit 0' TERM; while :; do sleep 0.05; done";

function spec(name: string, script: string, more: Partial<ContainerSpec> = {}): ContainerSpec {
  return {
    name: `${fixture.platform}-${name}`,
    image: fixture.image,
    labels: { "mcp.platform": fixture.platform, name },
    env: { GREETING: "hello there" },
    command: ["sh", "-c", script],
    mounts: [],
    ports: [],
    network: "none",
    ...more,
  };
}

test("version() and info() describe the service", { skip }, async () => {
  assert.match(await fixture.podman.version(), /^\d+\.\d+/);
  const info = await fixture.podman.info();
  assert.ok(["runc", "crun"].includes(info.runtime));
});

test("a container goes from created to running to exited to removed, and events tell", { skip }, async () => {
  const { podman, platform } = fixture;
  const controller = new AbortController();
  const seen: string[] = [];
  const died = Promise.withResolvers<number | undefined>();
  const events = (async () => {
    for await (const event of podman.streamEvents(`mcp.platform=${platform}`, controller.signal)) {
      if (event.attributes["name"] !== `${platform}-life`) continue;
      seen.push(event.status);
      if (event.status === "died") died.resolve(event.exitCode);
    }
  })();
  const id = await podman.createContainer(spec("life", "trap 'exit 7' TERM; while :; do sleep 0.05; done"));
  assert.equal((await podman.inspectContainer(id)).startedAt, undefined);
  await podman.startContainer(id);
  await podman.startContainer(id);
  const listed = (await podman.listContainers(`mcp.platform=${platform}`)).find((one) => one.id === id);
  assert.equal(listed?.state, "running");
  assert.equal(listed?.labels["name"], "life");
  assert.equal(listed?.name, `${platform}-life`);
  await podman.stopContainer(id, { timeoutSeconds: 5 });
  assert.equal(await died.promise, 7);
  assert.equal(await podman.waitContainer(id), 7);
  await podman.stopContainer(id);
  assert.equal((await podman.inspectContainer(id)).exitCode, 7);
  await podman.removeContainer(id);
  await assert.rejects(podman.inspectContainer(id), hasCode("not-found", /no such container/));
  controller.abort();
  await events;
  assert.ok(seen.includes("create") && seen.includes("start"));
});

test("streamLogs() tells stdout from stderr and follows until the container stops", { skip }, async () => {
  const { podman } = fixture;
  const id = await podman.createContainer(spec("logs", 'echo "$GREETING"; echo oops >&2; sleep 0.3; echo late'));
  await podman.startContainer(id);
  const lines: string[] = [];
  for await (const { stream, line, at } of podman.streamLogs(id, { follow: true })) {
    assert.match(at, /^\d{4}-/);
    lines.push(`${stream} ${line}`);
  }
  assert.deepEqual(lines.toSorted(), ["stderr oops", "stdout hello there", "stdout late"]);
  const tail: string[] = [];
  for await (const { line } of podman.streamLogs(id, { tail: 1 })) tail.push(line);
  assert.deepEqual(tail, ["late"]);
});

test("streamLogs() ends quietly when its signal aborts", { skip }, async () => {
  const { podman } = fixture;
  const id = await podman.createContainer(spec("follow", `echo first; ${stubborn}`));
  await podman.startContainer(id);
  const controller = new AbortController();
  const lines: string[] = [];
  for await (const { line } of podman.streamLogs(id, { follow: true, signal: controller.signal })) {
    lines.push(line);
    controller.abort();
  }
  assert.deepEqual(lines, ["first"]);
  await podman.killContainer(id);
});

test("a published port and a named network reach the container; restart keeps both", { skip }, async () => {
  const { podman, network } = fixture;
  await podman.createNetwork(network, { "mcp.platform": fixture.platform });
  assert.equal(await podman.networkExists(network), true);
  await assert.rejects(podman.createNetwork(network, {}), hasCode("conflict", /network/));
  const port = 20_000 + Math.floor(Math.random() * 20_000);
  const script = `mkdir -p /w; echo "hi" > /w/index.html; exec httpd -f -p ${port} -h /w`;
  const ports = [{ hostPort: port, containerPort: port }];
  const id = await podman.createContainer(spec("web", script, { network, ports, user: "0:0", stopTimeoutSeconds: 1 }));
  await podman.startContainer(id);
  const ask = () => fetch(`http://127.0.0.1:${port}/`).then((answer) => answer.text(), () => undefined);
  assert.equal(await waitUntil(ask, { action: "reach the container", timeoutMs: 10_000 }), "hi\n");
  await podman.restartContainer(id, { timeoutSeconds: 1 });
  assert.equal(await waitUntil(ask, { action: "reach the container again", timeoutMs: 10_000 }), "hi\n");
  await podman.removeContainer(id, { force: true });
});

test("createContainer() refuses a taken name and an unknown image", { skip }, async () => {
  const { podman } = fixture;
  await podman.createContainer(spec("twice", "true"));
  await assert.rejects(podman.createContainer(spec("twice", "true")), hasCode("conflict", /already in use/));
  const unknown = spec("unknown", "true", { image: `localhost/${fixture.platform}-none:v1.0.0` });
  await assert.rejects(podman.createContainer(unknown), hasCode("not-found", /image/));
});

test("startContainer() gives the reason why a container cannot start", { skip }, async () => {
  const { podman } = fixture;
  const id = await podman.createContainer(spec("bad", "true", { command: ["/no/such/program"] }));
  await assert.rejects(podman.startContainer(id), hasCode("podman-failed", /no such file/));
  const missing = spec("mount", "true", { mounts: ["/no/such/folder:/data"] });
  await assert.rejects(
    podman.createContainer(missing).then((created) => podman.startContainer(created)),
    hasCode("podman-failed", /no such file/),
  );
});

test("imageExists() and inspectImage() find an image by tag and by digest", { skip }, async () => {
  const { podman, image } = fixture;
  const { digest, tags } = await podman.inspectImage(image);
  assert.ok(tags.includes(image));
  assert.equal(await podman.imageExists(`${image.split(":")[0]}@${digest}`), true);
  assert.equal(await podman.imageExists("localhost/none:v1.0.0"), false);
  await assert.rejects(podman.inspectImage("localhost/none:v1.0.0"), hasCode("not-found", /none/));
});

test("pullImage() gives podman's reason when the registry cannot be reached", { skip }, async () => {
  const progress: string[] = [];
  const pull = fixture.podman.pullImage("127.0.0.1:9/none:v1.0.0", {
    auth: { username: "node", password: "token" },
    onProgress: (line) => progress.push(line),
  });
  await assert.rejects(pull, hasCode("podman-failed", /connection refused/));
  assert.match(progress.join(" "), /Trying to pull/);
});

test("every call says unavailable when no service listens", async () => {
  const podman = createPodman("/nonexistent/podman.sock");
  await assert.rejects(podman.ping(), hasCode("unavailable", /^Cannot reach podman/));
  await assert.rejects(podman.listContainers("a=b"), hasCode("unavailable", /socket/));
});
