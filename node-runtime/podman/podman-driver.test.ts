import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { silentLog } from "#shared/log/log.ts";
import { toSpecGenerator } from "./create-container.ts";
import { createPodman } from "./podman.ts";
import { startPodmanService } from "./podman-service.ts";

// A stand-in for podman that answers what real ones answer in states which are hard to reach.
const answers: Record<string, [status: number, body: string]> = {
  "/v4.0.0/libpod/images/pull": [200, '{"stream":"Trying to pull\\n"}\n{"error":"manifest unknown"}\n'],
  "/v4.0.0/libpod/containers/json": [200, '[{"Id":1}]'],
  "/v4.0.0/libpod/containers/a/start": [500, "plain text"],
  "/v4.0.0/libpod/containers/b": [409, '{"cause":"container state improper","message":"is running","response":409}'],
  "/v4.0.0/libpod/info": [500, ""],
};
let folder: string;
let server: Server;
let seenAuth: string | undefined;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "podman-driver-"));
  server = createServer((request, response) => {
    const auth = request.headers["x-registry-auth"] ?? request.headers["x-registry-config"];
    if (typeof auth === "string") seenAuth = auth;
    const [status, body] = answers[new URL(request.url ?? "", "http://d").pathname] ??
      [404, '{"message":"no such thing"}'];
    response.writeHead(status).end(body);
  });
  await new Promise<void>((resolve) => server.listen(join(folder, "s"), resolve));
});
after(async () => {
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});

const refused = (code: string, text: RegExp) => (error: unknown) =>
  error instanceof PlatformError && error.code === code && text.test(error.message);

test("pullImage() turns an error line into podman-failed and sends padded credentials", async () => {
  const pull = createPodman(join(folder, "s")).pullImage("r/x:v1", { auth: { username: "n", password: "p" } });
  await assert.rejects(pull, refused("podman-failed", /^Cannot pull image "r\/x:v1": manifest unknown$/));
  assert.equal(seenAuth, "eyJ1c2VybmFtZSI6Im4iLCJwYXNzd29yZCI6InAifQ==");
});

test("pullImage() names the registries that credentials are for, so that podman keeps them when it is led elsewhere", async () => {
  const auth = { username: "n", password: "p", registries: ["mcr.example.net:8443", "127.0.0.1:5000"] };
  await assert.rejects(createPodman(join(folder, "s")).pullImage("r/x:v1", { auth }));
  const one = { username: "n", password: "p" };
  const sent: unknown = JSON.parse(Buffer.from(seenAuth ?? "", "base64url").toString());
  assert.deepEqual(sent, { "mcr.example.net:8443": one, "127.0.0.1:5000": one });
});

test("pullImage() says cancelled when its signal aborts", async () => {
  const pull = createPodman(join(folder, "s")).pullImage("r/x:v1", { signal: AbortSignal.abort() });
  await assert.rejects(pull, refused("cancelled", /cancelled/));
});

test("answers of another shape and refusals keep podman's reason", async () => {
  const podman = createPodman(join(folder, "s"));
  await assert.rejects(podman.listContainers("a"), refused("podman-failed", /expected another shape/));
  await assert.rejects(podman.startContainer("a"), refused("podman-failed", /plain text/));
  await assert.rejects(podman.removeContainer("b"), refused("conflict", /is running/));
  await assert.rejects(podman.inspectContainer("c"), refused("not-found", /no such thing/));
  await assert.rejects(podman.info(), refused("podman-failed", /no reason/));
});

test("toSpecGenerator() publishes on loopback, mounts read-only and joins the network", () => {
  const spec = {
    name: "web-1",
    image: "x",
    labels: {},
    env: {},
    command: [],
    mounts: ["/srv/web:/srv/web", "/etc/a:/b:ro"],
    ports: [{ hostPort: 12_000, containerPort: 12_000 }],
    network: "mcpnet",
  };
  assert.deepEqual(toSpecGenerator(spec), {
    name: "web-1",
    image: "x",
    labels: {},
    env: {},
    mounts: [
      { type: "bind", source: "/srv/web", destination: "/srv/web", options: ["rbind"] },
      { type: "bind", source: "/etc/a", destination: "/b", options: ["rbind", "ro"] },
    ],
    netns: { nsmode: "bridge" },
    networks: { mcpnet: {} },
    portmappings: [{ host_ip: "127.0.0.1", host_port: 12_000, container_port: 12_000, protocol: "tcp" }],
    restart_policy: "no",
    stop_timeout: 10,
  });
  const host = toSpecGenerator({ ...spec, network: "host" });
  assert.deepEqual(host["netns"], { nsmode: "host" });
  assert.equal(host["portmappings"], undefined);
  assert.equal(toSpecGenerator({ ...spec, network: "default" })["netns"], undefined);
});

test("startPodmanService() refuses a folder whose socket path is too long", async () => {
  const start = startPodmanService({ folder: join(folder, "x".repeat(120)), log: silentLog });
  await assert.rejects(start, refused("invalid-config", /at most 107 bytes/));
});
