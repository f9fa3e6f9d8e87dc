import { metacryptContract } from "#shared/contract/metacrypt.ts";
import { isAdmin, type Principal } from "#shared/contract/principal.ts";
import type { Api } from "#shared/contract/server.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import type { MetacryptContext } from "../context.ts";
import { findForbiddenNames } from "../domain/certificate-name.ts";
import { toPem } from "../domain/pem.ts";
import { issueLeaf } from "../issue-leaf.ts";
import { readCsr } from "../read-csr.ts";
import { insertCertificate } from "../store/certificate-store.ts";
import { listGrantedNames } from "../store/grant-store.ts";

/** Serves `certificate.sign`. The audit line names all names of the request, allowed or not. */
export function implementSignCsr(api: Api, context: MetacryptContext): void {
  const { authority, database, now } = context;
  api.implement(metacryptContract.signCsr, async ({ body, principal, setResource }) => {
    const request = await readCsr(body.csrPem);
    setResource(request.names.join(" "));
    await assertAllowed(context, principal, request.names);
    const issuedAt = now();
    const { der, serialNumber, notAfter } = await issueLeaf(authority, request, {
      now: issuedAt,
      ttlSeconds: body.ttlSeconds,
    });
    await insertCertificate(database, {
      serialNumber,
      names: request.names,
      requestedBy: principal.username,
      issuedAtMs: issuedAt.getTime(),
      notAfterMs: notAfter.getTime(),
      der,
    });
    const chainPem = toPem("CERTIFICATE", der) + toPem("CERTIFICATE", new Uint8Array(authority.issuing.rawData));
    return { chainPem, serialNumber, notAfter: notAfter.toISOString() };
  });
}

async function assertAllowed(
  { database, domain }: MetacryptContext,
  principal: Principal,
  names: readonly string[],
): Promise<void> {
  // Grants are for machines: a person's account cannot come by one, whatever its name.
  const grantedNames = principal.kind === "human"
    ? new Set<string>()
    : await listGrantedNames(database, principal.username);
  const forbidden = findForbiddenNames(names, { isAdmin: isAdmin(principal), grantedNames }, domain);
  if (forbidden.length === 0) return;
  throw new PlatformError(
    "name-not-allowed",
    `Cannot sign a certificate for "${
      forbidden.join(", ")
    }": "${principal.username}" may not have it, expected names that are granted to it`,
    { details: { names: forbidden } },
  );
}
