import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import { createTemporaryFolder } from "#shared/store/temporary-folder.ts";
import { holdSocket, noSocketHolder } from "./testing/socket-holder.ts";
import { createTestAuthority } from "./testing/test-authority.ts";
import { startTlsBackend } from "./testing/test-backend.ts";
import { connectTls } from "./testing/test-client.ts";

const skip = noSocketHolder ?? false;
if (skip) console.log(`skipping restarts on an inherited socket: ${skip}`);

test("D7: a restart on an inherited socket refuses and resets no connection", { skip, timeout: 120_000 }, async () => {
  await using folder = await createTemporaryFolder();
  const authority = await createTestAuthority();
  await using backend = await startTlsBackend(
    await authority.issue("a.test"),
    (socket) => void socket.once("data", () => socket.end("ok")),
  );
  const configPath = join(folder.path, "proxy.toml");
  await using holder = await holdSocket([join(import.meta.dirname, "main.ts"), "--config", configPath]);
  await writeFile(
    configPath,
    `[proxy]
node = "edge"
folder = "${folder.path}"
[listen]
port = ${holder.port}
[limits]
drain = "5s"
[[routes]]
hostname = "a.test"
mode = "l4"
port = ${holder.port}
backends = ["127.0.0.1:${backend.port}"]
`,
  );
  let pid = await holder.start();
  let isRunning = true;
  let answers = 0;
  const clients = Array.from({ length: 4 }, async () => {
    while (isRunning) {
      const socket = await connectTls({ port: holder.port, rootPem: authority.rootPem, hostname: "a.test" });
      const answer = Promise.withResolvers<string>();
      socket.on("data", (chunk: unknown) => answer.resolve(String(chunk))).on("error", answer.reject);
      socket.write("?");
      assert.equal(await answer.promise, "ok");
      socket.destroy();
      answers += 1;
    }
  });
  const load = Promise.all(clients);
  const seeAnswers = async (count: number) => {
    const until = answers + count;
    const areSeen = () => answers >= until || undefined;
    await Promise.race([load, waitUntil(areSeen, { action: "see answers", timeoutMs: 60_000, intervalMs: 5 })]);
  };
  for (let restart = 0; restart < 3; restart += 1) {
    await seeAnswers(20);
    process.kill(pid, "SIGTERM");
    pid = await holder.start();
  }
  await seeAnswers(20);
  isRunning = false;
  await load;
});
