import { randomBytes } from "node:crypto";
import type { Hono } from "hono";
import { type Api, createApi, type TokenValidator } from "#shared/contract/server.ts";
import { createFeedHub } from "#shared/feed/feed-hub.ts";
import type { Log } from "#shared/log/log.ts";
import { createAuditor } from "#shared/store/auditor.ts";
import type { Database } from "#shared/store/database.ts";
import { createBootstrap, type McnsBootstrap } from "./bootstrap.ts";
import type { McnsContext } from "./context.ts";
import { implementCreateRecord } from "./routes/create-record.ts";
import { implementCreateZone } from "./routes/create-zone.ts";
import { implementDeleteRecord } from "./routes/delete-record.ts";
import { implementDeleteZone } from "./routes/delete-zone.ts";
import { implementListAudit } from "./routes/list-audit.ts";
import { implementListRecords } from "./routes/list-records.ts";
import { implementListZones } from "./routes/list-zones.ts";
import { implementPutDerived } from "./routes/put-derived.ts";
import { implementZoneFeed } from "./routes/zone-feed.ts";
import { implementZoneStream } from "./routes/zone-stream.ts";

/** What MCNS needs. */
export interface McnsDependencies {
  /** Migrated with `mcnsMigrations`. */
  readonly database: Database;
  readonly now: () => Date;
  readonly log: Log;
  readonly validator: TokenValidator;
  /** Ids of records; random unless given. */
  readonly newId?: () => string;
}

/** A running MCNS. Its disposal ends the streams of its feed. */
export interface Mcns extends McnsBootstrap, AsyncDisposable {
  readonly app: Hono;
}

/** MCNS over its database. */
export function createMcns(deps: McnsDependencies): Mcns {
  const { database, now, log, validator } = deps;
  const feed = createFeedHub(database);
  const context: McnsContext = {
    database,
    feed,
    now,
    newId: deps.newId ?? (() => randomBytes(16).toString("base64url")),
  };
  const api = createApi({ system: "mcns", validator, log, now, audit: createAuditor(database, { now, log }) });
  for (const implement of routes) implement(api, context);
  return { app: api.app, ...createBootstrap(context), [Symbol.asyncDispose]: () => feed[Symbol.asyncDispose]() };
}

const routes: readonly ((api: Api, context: McnsContext) => void)[] = [
  implementListZones,
  implementCreateZone,
  implementDeleteZone,
  implementListRecords,
  implementCreateRecord,
  implementDeleteRecord,
  implementPutDerived,
  implementZoneFeed,
  implementZoneStream,
  implementListAudit,
];
