/** A whole service: configuration from TOML and $PORT, callers known by MCIAS, a health check. */
import { serve, type ServerType } from "@hono/node-server";
import { Hono } from "hono";
import { z } from "zod";
import { bearerToken } from "#shared/contract/authorise.ts";
import { PlatformError, toPlatformError } from "#shared/errors/platform-error.ts";
import { toProblemResponse } from "#shared/errors/problem.ts";
import { type Authenticator, createAuthenticator } from "#shared/mcdsl/authenticator.ts";
import { type Environment, loadConfig, standardPorts } from "#shared/mcdsl/config.ts";
import { ListenAddress } from "#shared/mcdsl/duration.ts";
import { answerHealth } from "#shared/mcdsl/health.ts";

const Config = z.object({
  server: z.object({ listen_addr: ListenAddress }),
  mcias: z.object({ server_url: z.url(), service_name: z.string() }),
});

/** Reads the file; $NOTES_SECTION_KEY wins over it, and $PORT over both. */
export function loadNotesConfig(path: string, env: Environment): Promise<z.output<typeof Config>> {
  return loadConfig({ schema: Config, path, envPrefix: "NOTES", env, ports: standardPorts });
}

/** The service as a function from requests to responses. */
export function createNotesApp(authenticator: Authenticator, serviceName: string): Hono {
  const app = new Hono();
  app.onError((error) => toProblemResponse(toPlatformError(error)));
  app.get("/healthz", () => answerHealth({}));
  app.post("/v1/auth/login", async (context) => {
    const credentials = Credentials.safeParse(await context.req.json().catch(() => undefined));
    if (!credentials.success) throw new PlatformError("invalid-request", "Cannot log in without username and password");
    return context.json(await authenticator.login({ ...credentials.data, serviceName }));
  });
  app.get("/v1/notes", async (context) => {
    const token = bearerToken(context.req.raw);
    if (token === undefined) throw new PlatformError("unauthenticated", "Cannot list notes without a token");
    const { username } = await authenticator.validateToken(token);
    return context.json({ owner: username, notes: [] });
  });
  return app;
}

const Credentials = z.object({ username: z.string().max(64), password: z.string().max(128) });

/** Starts the service; `main.ts` calls it and closes what it gives on SIGTERM. */
export async function startNotes(configPath: string, env: Environment): Promise<ServerType> {
  const { server, mcias } = await loadNotesConfig(configPath, env);
  const authenticator = createAuthenticator({
    fetch,
    baseUrl: mcias.server_url,
    audience: mcias.service_name,
    now: () => new Date(),
  });
  const app = createNotesApp(authenticator, mcias.service_name);
  return serve({ fetch: app.fetch, hostname: server.listen_addr.host, port: server.listen_addr.port });
}
