import { metacryptContract } from "#shared/contract/metacrypt.ts";
import type { Api } from "#shared/contract/server.ts";
import type { MetacryptContext } from "../context.ts";
import { listCertificates } from "../store/certificate-store.ts";

/** Serves `certificate.list`. */
export function implementListCertificates(api: Api, { database }: MetacryptContext): void {
  api.implement(metacryptContract.listCertificates, async () => ({
    certificates: (await listCertificates(database)).map((
      { serialNumber, names, requestedBy, issuedAtMs, notAfterMs },
    ) => ({
      serialNumber,
      names: [...names],
      requestedBy,
      issuedAt: new Date(issuedAtMs).toISOString(),
      notAfter: new Date(notAfterMs).toISOString(),
    })),
  }));
}
