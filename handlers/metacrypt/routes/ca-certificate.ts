import { metacryptContract } from "#shared/contract/metacrypt.ts";
import type { Api } from "#shared/contract/server.ts";
import type { MetacryptContext } from "../context.ts";
import { toPem } from "../domain/pem.ts";

/** Media type of certificates in PEM. */
export const pemMediaType = "application/x-pem-file";

/** Serves `ca.root`. */
export function implementCaCertificate(api: Api, { authority }: MetacryptContext): void {
  const pem = toPem("CERTIFICATE", new Uint8Array(authority.root.rawData));
  api.implement(
    metacryptContract.caCertificate,
    async () => new Response(pem, { headers: { "content-type": pemMediaType } }),
  );
}
