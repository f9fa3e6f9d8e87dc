import { Buffer } from "node:buffer";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Log, silentLog } from "#shared/log/log.ts";
import { type AuditEvent, listAudit } from "#shared/store/audit.ts";
import type { Database } from "#shared/store/database.ts";
import { openTemporaryDatabase } from "#shared/store/temporary-database.ts";
import { createMcr, type Mcr, type McrDependencies } from "../app.ts";
import { mcrMigrations } from "../migrations/mcr-migrations.ts";
import { testLogin, testValidator, tokenOf } from "./accounts.ts";

/** A request of a test. */
export interface TestRequest {
  /** Who asks; a stranger when `null`; alice unless given. */
  readonly as?: string | null;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>;
}

/** A registry in a folder of its own, that ends when it is disposed. */
export interface TestRegistry extends AsyncDisposable {
  readonly mcr: Mcr;
  readonly database: Database;
  readonly blobFolder: string;
  /** Moves the registry's clock. */
  setNow(now: Date): void;
  /** Sends a request to the application, without a network. */
  request(path: string, options?: TestRequest): Promise<Response>;
  /** A second application on the same database and files, as after a restart. */
  restart(): Mcr;
  /** The audit log, oldest first. */
  audit(): Promise<AuditEvent[]>;
}

/** A registry with the accounts of tests, at the first second of 2026. */
export async function openRegistry(
  overrides: Partial<McrDependencies> & { readonly log?: Log } = {},
): Promise<TestRegistry> {
  const database = await openTemporaryDatabase(mcrMigrations);
  const folder = await mkdtemp(join(tmpdir(), "mcr-"));
  const blobFolder = join(folder, "blobs");
  let now = new Date("2026-01-01T00:00:00.000Z");
  const deps = {
    database,
    blobFolder,
    validator: testValidator,
    login: testLogin,
    now: () => now,
    log: silentLog,
    ...overrides,
  };
  const mcr = createMcr(deps);
  return {
    mcr,
    database,
    blobFolder,
    setNow: (value) => void (now = value),
    request: (path, options) => Promise.resolve(mcr.app.request(path, toInit(options))),
    restart: () => createMcr(deps),
    audit: async () => (await listAudit(database, { limit: 1000 })).reverse(),
    async [Symbol.asyncDispose]() {
      await database[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function toInit({ as = "alice", method, headers, body }: TestRequest = {}): RequestInit & { duplex?: "half" } {
  return {
    ...(method === undefined ? {} : { method }),
    headers: { ...(as === null ? {} : { authorization: `Bearer ${tokenOf(as)}` }), ...headers },
    ...(body === undefined ? {} : { body, duplex: "half" }),
  };
}

/** The value of an `Authorization: Basic` field. */
export function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}
