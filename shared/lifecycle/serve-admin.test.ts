import assert from "node:assert/strict";
import { test } from "node:test";
import type { PlatformError } from "../errors/platform-error.ts";
import { serveAdmin } from "./serve-admin.ts";

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
