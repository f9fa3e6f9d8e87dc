import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { createClient } from "#shared/contract/client.ts";
import { metacryptContract } from "#shared/contract/metacrypt.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { enrolMachine, type MachineIdentity, openMachineIdentity } from "#shared/mcdsl/machine-identity.ts";
import { writeFileAtomically } from "#shared/store/atomic-file.ts";
import type { ServerConfig } from "./server-config.ts";
import { issuerOf, type Systems } from "./systems.ts";

/** Files of the server's state folder that people and programs look for. */
export function statePathsOf(folder: string): StatePaths {
  return {
    masterKey: join(folder, "master-key"),
    adminPassword: join(folder, "admin-password"),
    ca: join(folder, "ca.pem"),
    mcpIdentity: join(folder, "identities", "mcp.json"),
    joinToken: (node) => join(folder, "join", node),
  };
}

/** Files of the server's state folder. */
export interface StatePaths {
  readonly masterKey: string;
  /** Password of the account `admin`, written once. */
  readonly adminPassword: string;
  /** The root certificate as PEM. */
  readonly ca: string;
  readonly mcpIdentity: string;
  /** Lets a node of this machine enrol; there only while it has not. */
  readonly joinToken: (node: string) => string;
}

/** Makes what must be there before anybody can use the platform: admin, root certificate, zones, a join token. Idempotent. */
export async function bootstrapPlatform(config: ServerConfig, systems: Systems): Promise<void> {
  const paths = statePathsOf(config.stateFolder);
  await systems.mcias?.bootstrap.ensureAdmin(({ password }) =>
    writeFileAtomically(paths.adminPassword, `${password}\n`)
  );
  await writeRootCertificate(systems, paths.ca);
  await ensureZones(config, systems);
  await offerJoinToken(config, systems);
}

async function writeRootCertificate(systems: Systems, path: string): Promise<void> {
  if (!systems.fetches.has("metacrypt")) return;
  const response = await createClient(metacryptContract, systems.clientOf("metacrypt")).caCertificate({});
  await writeFileAtomically(path, await response.text(), 0o644);
}

/** The zones of the platform, with a name server that is the local node's. */
async function ensureZones({ domain, node }: ServerConfig, { mcns }: Systems): Promise<void> {
  if (mcns === undefined) return;
  const primaryServer = `ns1.${domain}`;
  for (const name of [domain, `svc.${domain}`]) {
    await mcns.ensureZone({ name, primaryServer, adminMailbox: `hostmaster.${domain}` });
  }
  if (node === undefined) return;
  const type = node.address.includes(":") ? "AAAA" : "A";
  await mcns.ensureStaticRecord(domain, { name: primaryServer, type, value: node.address, ttlSeconds: 300 });
}

async function offerJoinToken({ node, stateFolder }: ServerConfig, { mcias }: Systems): Promise<void> {
  if (node === undefined || mcias === undefined) return;
  const path = statePathsOf(stateFolder).joinToken(node.name);
  if (existsSync(node.identityPath)) return await rm(path, { force: true });
  const { joinToken } = await mcias.bootstrap.createJoinTokenFor(node.name, "node");
  await writeFileAtomically(path, `${joinToken}\n`);
}

/**
 * The control plane's own identity, by which it asks the other systems. It enrols itself where MCIAS is in the same process.
 *
 * @throws {PlatformError} invalid-config — when it was not enrolled and MCIAS is elsewhere
 */
export async function openMcpIdentity(
  config: ServerConfig,
  systems: Systems,
  now: () => Date,
): Promise<MachineIdentity> {
  const identityPath = statePathsOf(config.stateFolder).mcpIdentity;
  const client = systems.clientOf("mcias");
  if (!existsSync(identityPath)) {
    if (systems.mcias === undefined) {
      throw new PlatformError(
        "invalid-config",
        `Cannot act as "mcp": the identity "${identityPath}" is missing and MCIAS is elsewhere, expected one made with "metacircular enrol"`,
      );
    }
    const { joinToken } = await systems.mcias.bootstrap.createJoinTokenFor("mcp", "system");
    await enrolMachine({ client, joinToken, issuer: issuerOf(config.domain), identityPath });
  }
  return await openMachineIdentity({ identityPath, client, now });
}
