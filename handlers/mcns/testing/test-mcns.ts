import { type ContractClient, createClient } from "#shared/contract/client.ts";
import { mcnsContract } from "#shared/contract/mcns.ts";
import type { Principal } from "#shared/contract/principal.ts";
import type { TokenValidator } from "#shared/contract/server.ts";
import type { ZoneState } from "#shared/contract/state.ts";
import { ZoneState as ZoneStateSchema } from "#shared/contract/state.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { readFrame } from "#shared/feed/feed-store.ts";
import { silentLog } from "#shared/log/log.ts";
import type { Database } from "#shared/store/database.ts";
import { openTemporaryDatabase } from "#shared/store/temporary-database.ts";
import { decodeCbor } from "#shared/wire/cbor.ts";
import { createMcns, type Mcns } from "../app.ts";
import { mcnsMigrations } from "../migrations/mcns-migrations.ts";

/** A client of the MCNS under test. */
export type McnsClient = ContractClient<typeof mcnsContract>;

/** Who tests can be; the name is the token. */
export type TestCaller = "admin" | "user" | "guest" | "node" | "mcp" | "other-system" | "stranger" | "elsewhere";

/** An MCNS on a temporary database with a clock that the test moves; for tests. */
export interface TestMcns extends AsyncDisposable {
  readonly mcns: Mcns;
  readonly database: Database;
  readonly clock: { at: number };
  /** A client with the caller's token, or without one. */
  as(caller?: TestCaller): McnsClient;
  /** What name servers see: the zone's state, or `undefined`. */
  published(zone: string): Promise<ZoneState | undefined>;
  /** The newest feed revision. */
  revision(): Promise<number>;
}

/** Starts one with the zone `ex.test`. */
export async function startTestMcns(): Promise<TestMcns> {
  const database = await openTemporaryDatabase(mcnsMigrations);
  const clock = { at: Date.parse("2026-11-24T06:00:00Z") };
  const mcns = createMcns({ database, now: () => new Date(clock.at), log: silentLog, validator: testValidator });
  await mcns.ensureZone({ name: "ex.test", primaryServer: "ns1.ex.test", adminMailbox: "hostmaster.ex.test" });
  return {
    mcns,
    database,
    clock,
    as: (caller) =>
      createClient(mcnsContract, {
        fetch: (request) => mcns.app.fetch(request),
        baseUrl: "http://mcns.test",
        token: () => caller,
      }),
    async published(zone) {
      const { entries } = await readFrame(database, "zones", 0);
      const value = entries.find(([key]) => key === zone)?.[1];
      return value === undefined || value === null ? undefined : ZoneStateSchema.parse(decodeCbor(value));
    },
    revision: async () => (await readFrame(database, "zones", 0)).revision,
    async [Symbol.asyncDispose]() {
      await mcns[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

const callers: Readonly<Record<Exclude<TestCaller, "stranger">, Pick<Principal, "kind" | "roles">>> = {
  admin: { kind: "human", roles: ["admin"] },
  user: { kind: "human", roles: ["user"] },
  guest: { kind: "human", roles: ["guest"] },
  node: { kind: "node", roles: [] },
  mcp: { kind: "system", roles: [] },
  "other-system": { kind: "system", roles: [] },
  elsewhere: { kind: "human", roles: ["admin"] },
};

/** Takes the caller's name as its token. */
const testValidator: TokenValidator = {
  async validateToken(token) {
    const [username, facts] = Object.entries(callers).find(([name]) => name === token) ?? [];
    if (username === undefined || facts === undefined) {
      throw new PlatformError("unauthenticated", "Cannot accept the token");
    }
    const audience = [username === "elsewhere" ? "another-service" : "metacircular"];
    return {
      ...facts,
      accountId: `id-${username}`,
      username,
      tokenId: "t",
      audience,
      expiresAt: "2027-01-01T00:00:00Z",
    };
  },
};
