import type { Hono } from "hono";
import { mcrContract } from "#shared/contract/mcr.ts";
import { createApi, type TokenValidator } from "#shared/contract/server.ts";
import type { Log } from "#shared/log/log.ts";
import { listAudit } from "#shared/store/audit.ts";
import { createAuditor } from "#shared/store/auditor.ts";
import type { Database } from "#shared/store/database.ts";
import { createAuthenticator } from "./http/authenticate.ts";
import { createRegistryApp } from "./http/registry-app.ts";
import { listImages } from "./routes/list-images.ts";
import { resolveImage } from "./routes/resolve-image.ts";
import { createFileStorage } from "./storage/blob-storage.ts";
import { createMcrStore } from "./store.ts";
import { sweep, type SweepReport } from "./sweep.ts";
import { createUploads } from "./uploads.ts";

const defaultMaxBlobBytes = 64 * 1024 ** 3;

/** What the registry is made of. */
export interface McrDependencies {
  /** A database with the `mcrMigrations`. */
  readonly database: Database;
  /** Absolute path of the folder for blob contents; made when missing. */
  readonly blobFolder: string;
  readonly validator: TokenValidator;
  /**
   * A token of MCIAS for a username and password from a client's address, which wrong passwords are counted for.
   *
   * @throws {PlatformError} invalid-credentials, rate-limited, unavailable
   */
  readonly login: (username: string, password: string, clientIp: string) => Promise<string>;
  readonly now: () => Date;
  readonly log: Log;
  /** Origin that clients are sent to for tokens, such as `https://mcr.svc.example.net:8443`; the request's own unless given. */
  readonly publicUrl?: string;
  /** Largest blob that is taken, in bytes; 64 GiB unless given. */
  readonly maxBlobBytes?: number;
}

/** The registry. */
export interface Mcr {
  /** Serves `/v2/…` (OCI distribution-spec) and the `mcrContract`. */
  readonly app: Hono;
  /** Removes uploads older than a day and files that nothing owns; run it at start and now and then. Safe while serving. */
  sweep(): Promise<SweepReport>;
}

/** A registry over a database and a folder. */
export function createMcr(deps: McrDependencies): Mcr {
  const { database, validator, now, log } = deps;
  const store = createMcrStore(database);
  const storage = createFileStorage(deps.blobFolder);
  const audit = createAuditor(database, { now, log });
  const api = createApi({ system: "mcr", validator, log, now, audit });
  api.implement(mcrContract.listImages, (call) => listImages(call, store));
  api.implement(mcrContract.resolveImage, (call) => resolveImage(call, store));
  api.implement(mcrContract.listAudit, async ({ query: { limit, before } }) => ({
    events: await listAudit(database, before === undefined ? { limit } : { limit, before }),
  }));
  api.app.route(
    "/",
    createRegistryApp({
      store,
      storage,
      uploads: createUploads({ store, storage, now, maxBlobBytes: deps.maxBlobBytes ?? defaultMaxBlobBytes }),
      authenticator: createAuthenticator({ validator, login: deps.login, now }),
      audit,
      now,
      log,
      publicUrl: deps.publicUrl,
    }),
  );
  return { app: api.app, sweep: () => sweep({ store, storage, now, log }) };
}
