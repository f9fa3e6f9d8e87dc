import { type ClientOptions, createClient, type Fetch } from "#shared/contract/client.ts";
import { mciasContract } from "#shared/contract/mcias.ts";
import type { TokenValidator } from "#shared/contract/server.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import type { Log } from "#shared/log/log.ts";
import { createAuthenticator } from "#shared/mcdsl/authenticator.ts";
import type { HealthProbe } from "#shared/mcdsl/health.ts";
import { type Database, openDatabase } from "#shared/store/database.ts";
import { migrate, type Migration } from "#shared/store/migrate.ts";
import type { SystemFetch } from "./compose.ts";
import { createMcias, type Mcias } from "./mcias/app.ts";
import { mciasMigrations } from "./mcias/migrations/mcias-migrations.ts";
import { createMcns, type Mcns } from "./mcns/app.ts";
import { mcnsMigrations } from "./mcns/migrations/mcns-migrations.ts";
import { createMcr } from "./mcr/app.ts";
import { mcrMigrations } from "./mcr/migrations/mcr-migrations.ts";
import { createMetacrypt } from "./metacrypt/app.ts";
import { metacryptMigrations } from "./metacrypt/migrations/metacrypt-migrations.ts";
import type { SystemName } from "./path-table.ts";
import type { ServerConfig } from "./server-config.ts";

/** What opening systems needs. */
export interface SystemsOptions {
  readonly config: ServerConfig;
  readonly only: readonly SystemName[];
  readonly masterKey: Uint8Array;
  readonly log: Log;
  readonly now: () => Date;
  /** Reaches systems of other servers. */
  readonly fetch: Fetch;
}

/** The systems of this process over their databases, and the way to all others. Disposal ends streams and closes databases. */
export interface Systems extends AsyncDisposable {
  readonly fetches: Map<SystemName, SystemFetch>;
  readonly probes: Record<string, HealthProbe>;
  readonly validator: TokenValidator;
  readonly mcias: Mcias | undefined;
  readonly mcns: Mcns | undefined;
  /** Removes what the registry does not need any more. */
  readonly sweep: (() => Promise<unknown>) | undefined;
  /** How a client reaches a system: its own app here, HTTPS elsewhere. */
  clientOf(name: SystemName): ClientOptions;
  /** Opens and migrates the database of a system; closed with the systems. */
  openDatabase(name: SystemName, migrations: readonly Migration[]): Promise<Database>;
  /** Adds a system and what its end needs. */
  add(name: SystemName, app: { readonly fetch: SystemFetch }, resource?: AsyncDisposable): void;
}

/** Opens identity, certificates, names and registry, as far as they are asked for. The control plane is added by the caller. */
export async function openSystems(options: SystemsOptions): Promise<Systems> {
  const stack = new AsyncDisposableStack();
  try {
    return await openAll(options, stack);
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function openAll(options: SystemsOptions, stack: AsyncDisposableStack): Promise<Systems> {
  const { config, masterKey, now } = options;
  const { domain } = config;
  const base = createBase(options, stack);
  const has = (name: SystemName) => options.only.includes(name);
  const partsOf = async (name: SystemName, migrations: readonly Migration[]) => ({
    database: await base.openDatabase(name, migrations),
    log: options.log.child({ system: name }),
    now,
  });

  const mcias = has("mcias")
    ? await createMcias({ ...await partsOf("mcias", mciasMigrations), masterKey, issuer: issuerOf(domain) })
    : undefined;
  if (mcias !== undefined) base.add("mcias", mcias.app, mcias);
  const validator = mcias?.validator ?? createAuthenticator({ ...base.clientOf("mcias"), now });

  if (has("metacrypt")) {
    const metacrypt = await createMetacrypt({
      ...await partsOf("metacrypt", metacryptMigrations),
      masterKey,
      domain,
      validator,
    });
    base.add("metacrypt", metacrypt.app);
  }
  const mcns = has("mcns") ? createMcns({ ...await partsOf("mcns", mcnsMigrations), validator }) : undefined;
  if (mcns !== undefined) base.add("mcns", mcns.app, mcns);

  const login = async (username: string, password: string, clientIp: string) => {
    const mcias = createClient(mciasContract, base.clientOf("mcias"));
    // MCIAS counts wrong passwords for networks too, and here it sees no socket.
    return (await mcias.login({ body: { username, password }, headers: { "x-real-ip": clientIp } })).token;
  };
  const mcr = has("mcr")
    ? createMcr({ ...await partsOf("mcr", mcrMigrations), validator, login, blobFolder: config.blobFolder })
    : undefined;
  if (mcr !== undefined) base.add("mcr", mcr.app);
  return { ...base, validator, mcias, mcns, sweep: mcr?.sweep, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

type Base = Pick<Systems, "fetches" | "probes" | "clientOf" | "openDatabase" | "add">;

function createBase({ config, fetch }: SystemsOptions, stack: AsyncDisposableStack): Base {
  const fetches = new Map<SystemName, SystemFetch>();
  const probes: Record<string, HealthProbe> = {};
  return {
    fetches,
    probes,
    clientOf(name) {
      const own = fetches.get(name);
      // The host is a name of the system's own, so that the app sees what a request through the proxy would show.
      if (own !== undefined) {
        return { fetch: (request) => own(request), baseUrl: `https://${name}.svc.${config.domain}` };
      }
      const baseUrl = config.peers[name];
      if (baseUrl !== undefined) return { fetch, baseUrl };
      throw new PlatformError(
        "invalid-config",
        `Cannot reach ${name}: this server does not run it, expected its origin as [peers] ${name} (or $SERVER_PEERS_${name.toUpperCase()})`,
      );
    },
    async openDatabase(name, migrations) {
      const database = stack.use(await openDatabase(config.databases[name]));
      await migrate(database, migrations);
      probes[name] = () => database.first("SELECT 1");
      return database;
    },
    add(name, app, resource) {
      fetches.set(name, (request, env) => app.fetch(request, env));
      if (resource !== undefined) stack.use(resource);
    },
  };
}

/** The `iss` claim of the platform's tokens. It has no port: a platform that moves to another port keeps its identities. */
export function issuerOf(domain: string): string {
  return `https://mcias.svc.${domain}`;
}
