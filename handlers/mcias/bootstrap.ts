import { PlatformError } from "#shared/errors/platform-error.ts";
import type { Database } from "#shared/store/database.ts";
import type { MciasContext } from "./context.ts";
import { createJoinTokenFor, type MachineKind } from "./create-join-token-for.ts";
import { createPerson } from "./create-person.ts";
import { newSecret } from "./new-id.ts";
import { hasPeople, insertAccount } from "./store/account-store.ts";

/** The first admin's name and password. */
export interface AdminCredentials {
  readonly username: "admin";
  readonly password: string;
}

/** What the process that starts MCIAS may do without a token; nothing of it is reachable over HTTP. */
export interface Bootstrap {
  /**
   * Makes the account `admin` with a random password when no person has an account yet, else gives `undefined`.
   * `keep` is called before the account exists for others, so that a crash in between cannot lose the password.
   */
  ensureAdmin(keep?: (credentials: AdminCredentials) => Promise<void>): Promise<AdminCredentials | undefined>;
  /** A join token for a machine of the platform itself, see {@link createJoinTokenFor}. */
  createJoinTokenFor(name: string, kind: MachineKind): Promise<{ joinToken: string; expiresAt: string }>;
}

/** The bootstrap of a MCIAS. */
export function createBootstrap(context: MciasContext): Bootstrap {
  return {
    ensureAdmin: (keep) => ensureAdmin(context, keep),
    createJoinTokenFor: (name, kind) => createJoinTokenFor(context, name, kind),
  };
}

async function ensureAdmin(
  { database, hasher, now, log }: MciasContext,
  keep: (credentials: AdminCredentials) => Promise<void> = async () => {},
): Promise<AdminCredentials | undefined> {
  if (await hasPeople(database)) return undefined;
  const credentials: AdminCredentials = { username: "admin", password: newSecret() };
  const passwordHash = await hasher.hash(credentials.password);
  const isMade = await insertFirstPerson(database, async (tx) => {
    await keep(credentials);
    const admin = createPerson({ username: "admin", roles: ["admin"], passwordHash, createdAtMs: now().getTime() });
    if (!(await insertAccount(tx, admin))) {
      throw new PlatformError(
        "conflict",
        'Cannot create the first admin "admin": a machine has the name, expected it to be free',
      );
    }
  });
  if (!isMade) return undefined;
  log.info("first admin created", { username: credentials.username });
  return credentials;
}

/** Another process may have been faster. */
function insertFirstPerson(
  database: Database,
  insert: (tx: Parameters<typeof insertAccount>[0]) => Promise<void>,
): Promise<boolean> {
  return database.transaction(async (tx) => {
    if (await hasPeople(tx)) return false;
    await insert(tx);
    return true;
  });
}
