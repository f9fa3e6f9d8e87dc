import { metacryptContract } from "#shared/contract/metacrypt.ts";
import type { Api } from "#shared/contract/server.ts";
import type { MetacryptContext } from "../context.ts";
import { toPem } from "../domain/pem.ts";
import { pemMediaType } from "./ca-certificate.ts";

/** Serves `ca.chain`: the issuing certificate, then the root. */
export function implementCaChain(api: Api, { authority }: MetacryptContext): void {
  const pem = [authority.issuing, authority.root].map(({ rawData }) => toPem("CERTIFICATE", new Uint8Array(rawData)))
    .join("");
  api.implement(
    metacryptContract.caChain,
    async () => new Response(pem, { headers: { "content-type": pemMediaType } }),
  );
}
