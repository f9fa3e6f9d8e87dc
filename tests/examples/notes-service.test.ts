import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { z } from "zod";
import { hasCode } from "#shared/contract/testing.ts";
import { createAuthenticator } from "#shared/mcdsl/authenticator.ts";
import { createTemporaryFolder } from "#shared/store/temporary-folder.ts";
import { startTestMcias, testPassword } from "../../handlers/mcias/start-test-mcias.ts";
import { createNotesApp, loadNotesConfig, startNotes } from "./notes-service.ts";

const configText = `[server]
listen_addr = ":8443"

[mcias]
server_url = "https://mcias.svc.mcp.localhost:8443"
service_name = "notes"
`;

test("the example lets in who logged in at it, and nobody else", async () => {
  await using testMcias = await startTestMcias();
  const platformToken = await testMcias.person("alice", ["user"]);
  const authenticator = createAuthenticator({
    fetch: (request) => testMcias.mcias.app.fetch(request),
    baseUrl: "https://mcias.test",
    audience: "notes",
    now: () => new Date(testMcias.clock.at),
  });
  const app = createNotesApp(authenticator, "notes");
  const logIn = (body: string) => app.request("/v1/auth/login", { method: "POST", body });
  assert.equal((await logIn("no JSON")).status, 400);
  assert.equal((await logIn(JSON.stringify({ username: "alice", password: "wrong" }))).status, 401);
  const login = await logIn(JSON.stringify({ username: "alice", password: testPassword }));
  const { token } = z.object({ token: z.string() }).parse(await login.json());
  const list = (bearer?: string) =>
    app.request("/v1/notes", bearer === undefined ? {} : { headers: { authorization: `Bearer ${bearer}` } });
  assert.deepEqual(await (await list(token)).json(), { owner: "alice", notes: [] });
  assert.equal((await list()).status, 401);
  assert.equal((await list("nonsense")).status, 401);
  assert.equal((await list(platformToken)).status, 403, "a token for the platform is not one for the service");
});

test("the example listens on all addresses at $PORT, whatever its file says", async () => {
  await using folder = await createTemporaryFolder();
  const path = join(folder.path, "notes.toml");
  await writeFile(path, configText);
  assert.equal((await loadNotesConfig(path, {})).server.listen_addr.port, 8443);
  const config = await loadNotesConfig(path, { NOTES_SERVER_LISTEN_ADDR: "127.0.0.1:1", PORT: "20001" });
  assert.deepEqual(config.server.listen_addr, { host: "0.0.0.0", port: 20_001 });
  const server = await startNotes(path, { NOTES_SERVER_LISTEN_ADDR: "127.0.0.1:0" });
  if (!server.listening) await once(server, "listening");
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const answer = await fetch(`http://127.0.0.1:${address.port}/healthz`);
  assert.deepEqual(await answer.json(), { status: "ok", checks: {} });
  server.close();
  await once(server, "close");
});

test("the example says which settings are missing", async () => {
  await using folder = await createTemporaryFolder();
  const path = join(folder.path, "notes.toml");
  await writeFile(path, "");
  await assert.rejects(loadNotesConfig(path, {}), hasCode("invalid-config"));
});

test("the guide for authors shows the example as it is", async () => {
  const root = join(import.meta.dirname, "..", "..");
  const guide = await readFile(join(root, "docs", "writing-a-service.md"), "utf8");
  const source = await readFile(join(import.meta.dirname, "notes-service.ts"), "utf8");
  assert.ok(guide.includes(`\`\`\`ts\n${source}\`\`\``), "copy notes-service.ts into docs/writing-a-service.md");
  assert.ok(guide.includes(`\`\`\`toml\n${configText}\`\`\``), "copy the configuration too");
});
