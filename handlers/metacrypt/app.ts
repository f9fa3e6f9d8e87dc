import type { Hono } from "hono";
import { type Api, createApi, type TokenValidator } from "#shared/contract/server.ts";
import type { Log } from "#shared/log/log.ts";
import { createAuditor } from "#shared/store/auditor.ts";
import type { Database } from "#shared/store/database.ts";
import { createSealedBox } from "#shared/store/sealed-box.ts";
import { createAuthorityKeys, openAuthority } from "./authority.ts";
import type { MetacryptContext } from "./context.ts";
import { implementCaCertificate } from "./routes/ca-certificate.ts";
import { implementCaChain } from "./routes/ca-chain.ts";
import { implementListAudit } from "./routes/list-audit.ts";
import { implementListCertificates } from "./routes/list-certificates.ts";
import { implementListGrants } from "./routes/list-grants.ts";
import { implementPutGrant } from "./routes/put-grant.ts";
import { implementSignCsr } from "./routes/sign-csr.ts";
import { loadAuthorityKeys } from "./store/authority-store.ts";

/** What Metacrypt needs. */
export interface MetacryptDependencies {
  /** Migrated with `metacryptMigrations`. */
  readonly database: Database;
  readonly now: () => Date;
  readonly log: Log;
  readonly validator: TokenValidator;
  /** 32 bytes that the authority's private keys are encrypted with at rest. */
  readonly masterKey: Uint8Array;
  /** The platform's domain, such as `mcp.localhost`: admins may have any name under it. */
  readonly domain: string;
}

/**
 * Metacrypt over its database; the first start ever makes the authority.
 *
 * @throws {PlatformError} sealed — when the master key is not the one that the database was created with
 */
export async function createMetacrypt(deps: MetacryptDependencies): Promise<{ app: Hono }> {
  const { database, now, log, validator, domain } = deps;
  const keys = await loadAuthorityKeys(database, createSealedBox(deps.masterKey), {
    create: () => createAuthorityKeys(domain, now()),
    nowMs: now().getTime(),
  });
  const context: MetacryptContext = { database, now, domain, authority: await openAuthority(keys) };
  const audit = createAuditor(database, { now, log });
  const api = createApi({ system: "metacrypt", validator, log, now, audit });
  for (const implement of routes) implement(api, context);
  return { app: api.app };
}

const routes: readonly ((api: Api, context: MetacryptContext) => void)[] = [
  implementSignCsr,
  implementCaCertificate,
  implementCaChain,
  implementPutGrant,
  implementListGrants,
  implementListCertificates,
  implementListAudit,
];
