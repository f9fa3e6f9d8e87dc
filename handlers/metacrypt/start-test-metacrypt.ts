import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type ContractClient, createClient } from "#shared/contract/client.ts";
import { metacryptContract } from "#shared/contract/metacrypt.ts";
import type { Principal } from "#shared/contract/principal.ts";
import type { TokenValidator } from "#shared/contract/server.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { silentLog } from "#shared/log/log.ts";
import type { Database } from "#shared/store/database.ts";
import { openTemporaryDatabase } from "#shared/store/temporary-database.ts";
import { createMetacrypt } from "./app.ts";
import { metacryptMigrations } from "./migrations/metacrypt-migrations.ts";

const run = promisify(execFile);

/** A client of the Metacrypt under test. */
export type MetacryptClient = ContractClient<typeof metacryptContract>;

/** A Metacrypt on a temporary database, for tests; tokens are the names of its callers. */
export interface TestMetacrypt extends AsyncDisposable {
  readonly database: Database;
  /** The clock; assign `at` to move it. It begins at the real time, as openssl looks at that. */
  readonly clock: { at: number };
  /** A folder for openssl's files. */
  readonly folder: string;
  /** A client of `root` (an admin), `alice` (a user), `mcp`, `mcns` (systems) or `host-1`, `host-2` (nodes). */
  client(name?: string): MetacryptClient;
  /** Another Metacrypt over the same database, as after a restart. */
  restart(masterKey?: Uint8Array): Promise<MetacryptClient>;
}

/** Domain of the platform under test. */
export const testDomain = "mcp.test";

const kinds: Record<string, Pick<Principal, "kind" | "roles">> = {
  root: { kind: "human", roles: ["admin"] },
  alice: { kind: "human", roles: ["user"] },
  mcp: { kind: "system", roles: [] },
  mcns: { kind: "system", roles: [] },
  "host-1": { kind: "node", roles: [] },
  "host-2": { kind: "node", roles: [] },
};

const validator: TokenValidator = {
  async validateToken(token) {
    const known = kinds[token];
    if (known === undefined) throw new PlatformError("unauthenticated", "Cannot accept the token: it is not live");
    const expiresAt = "2099-01-01T00:00:00.000Z";
    return { accountId: token, username: token, ...known, tokenId: token, audience: ["metacircular"], expiresAt };
  },
};

/** Starts one. */
export async function startTestMetacrypt(): Promise<TestMetacrypt> {
  const database = await openTemporaryDatabase(metacryptMigrations);
  const folder = await mkdtemp(join(tmpdir(), "metacrypt-"));
  const clock = { at: Date.now() };
  const start = (masterKey: Uint8Array = new Uint8Array(32).fill(5)) =>
    createMetacrypt({
      database,
      now: () => new Date(clock.at),
      log: silentLog,
      validator,
      masterKey,
      domain: testDomain,
    });
  const { app } = await start();
  return {
    database,
    clock,
    folder,
    client: (name) => toClient(app.fetch, name),
    restart: async (masterKey) => toClient((await start(masterKey)).app.fetch, "root"),
    async [Symbol.asyncDispose]() {
      await database[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}

function toClient(
  fetch: (request: Request) => Promise<Response> | Response,
  name: string | undefined,
): MetacryptClient {
  const token = name === undefined ? {} : { token: () => name };
  return createClient(metacryptContract, { fetch, baseUrl: "https://metacrypt.test", ...token });
}

/** What openssl prints. */
export async function openssl(...args: string[]): Promise<string> {
  return (await run("openssl", args)).stdout;
}

/** Key algorithms of openssl, as arguments of `req -newkey`. */
export const keyArguments = {
  p256: ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
  p384: ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
  ed25519: ["ed25519"],
  rsa: ["rsa:2048"],
  secp256k1: ["ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"],
} as const;

/** A certificate request by openssl; `altName` is its subjectAltName, in openssl's words. */
export async function createCsr(
  folder: string,
  altName: string,
  keyKind: keyof typeof keyArguments = "p256",
): Promise<string> {
  const path = join(folder, "request.pem");
  const names = altName === "" ? [] : ["-addext", `subjectAltName=${altName}`];
  const key = ["-nodes", "-newkey", ...keyArguments[keyKind], "-keyout", join(folder, "request.key")];
  await openssl("req", "-new", "-subj", "/CN=ignored.example", "-out", path, ...key, ...names);
  return await readFile(path, "utf8");
}

/** Why tests that need openssl are skipped, or `false`. */
export async function missingOpenssl(): Promise<string | false> {
  const version = await openssl("version").catch(() => undefined);
  return version === undefined
    ? "openssl is not installed, so no request can be made and no certificate verified"
    : false;
}
