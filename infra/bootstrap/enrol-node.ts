import { existsSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { enrolMachine } from "#shared/mcdsl/machine-identity.ts";

/** What enrolling this machine's node needs. */
export interface EnrolNodeOptions {
  /** Origin of MCIAS. */
  readonly mciasUrl: string;
  /** The platform's domain. */
  readonly domain: string;
  /** File with the join token; removed once it is used. */
  readonly joinTokenPath: string;
  /** Where the identity goes. */
  readonly identityPath: string;
}

/**
 * Enrols a machine with the join token in a file, unless its identity is there already.
 *
 * @throws {PlatformError} invalid-config — without a join token; invalid-credentials — when it is not good any more
 */
export async function enrolNode(options: EnrolNodeOptions): Promise<void> {
  const { identityPath, joinTokenPath } = options;
  if (existsSync(identityPath)) return;
  const joinToken = (await readFile(joinTokenPath, "utf8").catch((cause: unknown) => {
    throw new PlatformError(
      "invalid-config",
      `Cannot enrol: the join token "${joinTokenPath}" is not readable, expected one`,
      { cause },
    );
  })).trim();
  await enrolMachine({
    client: { fetch: (request) => fetch(request), baseUrl: options.mciasUrl },
    joinToken,
    issuer: `https://mcias.svc.${options.domain}`,
    identityPath,
  });
  await rm(joinTokenPath, { force: true });
}
