import assert from "node:assert/strict";
import { stat, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import type { PlatformError } from "../errors/platform-error.ts";
import { createTemporaryFolder } from "../store/temporary-folder.ts";
import { serveAdmin, serveAdminSocket } from "./serve-admin.ts";

const app = { fetch: () => new Response("ok") };

test("serveAdmin() answers until it is disposed, and says which port is taken", async () => {
  const server = await serveAdmin(app, { host: "127.0.0.1", port: 0 });
  assert.equal(await (await fetch(server.url)).text(), "ok");
  const port = Number(new URL(server.url).port);
  await assert.rejects(
    serveAdmin(app, { host: "127.0.0.1", port }),
    (error: PlatformError) => error.code === "unavailable" && error.message.includes(String(port)),
  );
  await server[Symbol.asyncDispose]();
  await assert.rejects(fetch(server.url));
});

function askSocket(path: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const asked = request(
    { socketPath: path, path: "/x", headers: { host: "admin" }, agent: false },
    async (response) => {
      let text = "";
      for await (const chunk of response) text += String(chunk);
      resolve(text);
    },
  );
  asked.once("error", reject).end();
  return promise;
}

test("serveAdminSocket() answers on a socket of the given mode, and removes it", async () => {
  await using folder = await createTemporaryFolder();
  const path = join(folder.path, "admin.sock");
  {
    await using _server = await serveAdminSocket({ fetch: () => new Response("hello") }, { path, mode: 0o660 });
    assert.equal((await stat(path)).mode & 0o777, 0o660);
    assert.equal(await askSocket(path), "hello");
  }
  await assert.rejects(stat(path), { code: "ENOENT" });
});

test("serveAdminSocket() takes the place of a socket that is there, and leaves that of its successor", async () => {
  await using folder = await createTemporaryFolder();
  const path = join(folder.path, "admin.sock");
  await writeFile(path, "left over");
  const first = await serveAdminSocket({ fetch: () => new Response("first") }, { path, mode: 0o600 });
  assert.equal(await askSocket(path), "first");
  await using _second = await serveAdminSocket({ fetch: () => new Response("second") }, { path, mode: 0o600 });
  await first[Symbol.asyncDispose]();
  assert.equal(await askSocket(path), "second");
});

test("serveAdminSocket() says where it cannot be made", async () => {
  const at = { path: "/nonexistent/admin.sock", mode: 0o600 };
  await assert.rejects(serveAdminSocket({ fetch: () => new Response() }, at), { code: "unavailable" });
});
