import { generateKeyPairSync, type KeyObject, randomUUID } from "node:crypto";
import { SignJWT } from "jose";
import { type ClientOptions, type ContractClient, createClient } from "#shared/contract/client.ts";
import { Ed25519PublicJwk, mciasContract } from "#shared/contract/mcias.ts";
import type { Role } from "#shared/contract/principal.ts";
import { createLog } from "#shared/log/log.ts";
import type { Database } from "#shared/store/database.ts";
import { openTemporaryDatabase } from "#shared/store/temporary-database.ts";
import { createMcias, type Mcias } from "./app.ts";
import { mciasMigrations } from "./migrations/mcias-migrations.ts";
import { createPasswordHasher, type PasswordHasher } from "./password-hasher.ts";

/** A client of the MCIAS under test. */
export type MciasClient = ContractClient<typeof mciasContract>;

/** A MCIAS on a temporary database with a clock that stands still; for tests. */
export interface TestMcias extends AsyncDisposable {
  readonly mcias: Mcias;
  readonly database: Database;
  /** The clock; assign `at` to move it. */
  readonly clock: { at: number };
  readonly logLines: readonly string[];
  /** The first admin's password. */
  readonly adminPassword: string;
  /** A client with this token, from this address. */
  client(token?: string, ip?: string): MciasClient;
  /** A client of the admin. */
  admin(): Promise<MciasClient>;
  /** Makes an account whose password is {@link testPassword}, and gives its token. */
  person(username: string, roles: Role[]): Promise<string>;
  /** Enrols a machine. */
  machine(name: string, kind: "node" | "system"): Promise<TestMachine>;
  /** A token for an enrolled machine. */
  machineToken(machine: TestMachine): Promise<string>;
}

/** A machine and its key. */
export interface TestMachine {
  readonly name: string;
  readonly privateKey: KeyObject;
}

/** Issuer of the tokens in tests. */
export const testIssuer = "https://mcias.test";
/** Password of accounts in tests. */
export const testPassword = "correct horse";
/** Grant type of assertions. */
const grant_type = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/** Starts one; cheap hashes, as what is tested is not their cost. */
export async function startTestMcias(options: { hasher?: PasswordHasher } = {}): Promise<TestMcias> {
  const database = await openTemporaryDatabase(mciasMigrations);
  const clock = { at: Date.parse("2026-11-24T06:00:00Z") };
  const logLines: string[] = [];
  const hasher = options.hasher ?? await createPasswordHasher({ parameters: { memoryKib: 64, passes: 1, lanes: 1 } });
  const mcias = await createMcias({
    database,
    hasher,
    now: () => new Date(clock.at),
    log: createLog({ system: "mcias", level: "debug", write: (line) => void logLines.push(line) }),
    issuer: testIssuer,
    masterKey: new Uint8Array(32).fill(3),
  });
  const adminPassword = (await mcias.bootstrap.ensureAdmin())?.password ?? "";
  const client = (token?: string, ip?: string) => createClient(mciasContract, clientOptions(mcias, token, ip));
  const admin = async () =>
    client((await client().login({ body: { username: "admin", password: adminPassword } })).token);
  return {
    mcias,
    database,
    clock,
    logLines,
    adminPassword,
    client,
    admin,
    async person(username, roles) {
      await (await admin()).createAccount({ body: { username, password: testPassword, roles } });
      return (await client().login({ body: { username, password: testPassword } })).token;
    },
    async machine(name, kind) {
      const { joinToken } = await mcias.bootstrap.createJoinTokenFor(name, kind);
      const { privateKey, publicKey } = generateKeyPairSync("ed25519");
      await client().enrol({
        body: { joinToken, publicKey: Ed25519PublicJwk.parse(publicKey.export({ format: "jwk" })) },
      });
      return { name, privateKey };
    },
    async machineToken(machine) {
      const assertion = await signAssertion(machine, clock.at);
      return (await client().exchangeAssertion({ body: { grant_type, assertion } })).access_token;
    },
    async [Symbol.asyncDispose]() {
      await mcias[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

/** An assertion of a machine about itself; `changes` replace claims. */
export function signAssertion(
  machine: TestMachine,
  nowMs: number,
  changes: Record<string, unknown> = {},
): Promise<string> {
  const exp = Math.floor(nowMs / 1000) + 60;
  const claims = { iss: machine.name, sub: machine.name, aud: testIssuer, exp, jti: randomUUID(), ...changes };
  return new SignJWT(claims).setProtectedHeader({ alg: "EdDSA" }).sign(machine.privateKey);
}

function clientOptions(mcias: Mcias, token: string | undefined, ip: string | undefined): ClientOptions {
  const fetch = (request: Request) => {
    if (ip !== undefined) request.headers.set("x-real-ip", ip);
    return mcias.app.fetch(request);
  };
  return { fetch, baseUrl: testIssuer, ...(token === undefined ? {} : { token: () => token }) };
}
