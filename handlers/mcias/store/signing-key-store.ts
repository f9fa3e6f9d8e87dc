import { Buffer } from "node:buffer";
import { z } from "zod";
import { Ed25519PublicJwk } from "#shared/contract/mcias.ts";
import type { Database, Sql } from "#shared/store/database.ts";
import type { SealedBox } from "#shared/store/sealed-box.ts";

const PrivateJwk = Ed25519PublicJwk.extend({ d: z.string() });

/** A key that tokens are signed with. */
export interface SigningKey {
  /** RFC 7638 thumbprint, the `kid` of tokens. */
  readonly id: string;
  readonly publicJwk: Ed25519PublicJwk;
  readonly privateJwk: z.infer<typeof PrivateJwk>;
}

const Row = z.object({
  id: z.string(),
  publicJwk: z.string().transform((text): unknown => JSON.parse(text)).pipe(Ed25519PublicJwk),
  sealedPrivateJwk: z.instanceof(ArrayBuffer).transform((buffer) => new Uint8Array(buffer)),
});

/**
 * The signing keys, newest first; the first call ever makes one with `create`.
 *
 * @throws {PlatformError} sealed — when the box has another master key than the one they were sealed with
 */
export async function loadSigningKeys(
  database: Database,
  box: SealedBox,
  options: { readonly create: () => Promise<SigningKey>; readonly nowMs: number },
): Promise<readonly [SigningKey, ...SigningKey[]]> {
  return database.transaction(async (tx) => {
    const [newest, ...older] = await listSigningKeys(tx, box);
    if (newest !== undefined) return [newest, ...older] as const;
    const fresh = await options.create();
    await tx.run("INSERT INTO signing_key (id, public_jwk, sealed_private_jwk, created_at) VALUES (?, ?, ?, ?)", [
      fresh.id,
      JSON.stringify(fresh.publicJwk),
      box.seal(pathOf(fresh.id), Buffer.from(JSON.stringify(fresh.privateJwk))),
      options.nowMs,
    ]);
    return [fresh] as const;
  });
}

async function listSigningKeys(sql: Sql, box: SealedBox): Promise<SigningKey[]> {
  const rows = await sql.all(
    "SELECT id, public_jwk AS publicJwk, sealed_private_jwk AS sealedPrivateJwk FROM signing_key ORDER BY created_at DESC",
  );
  return rows.map((row) => {
    const { id, publicJwk, sealedPrivateJwk } = Row.parse(row);
    const opened: unknown = JSON.parse(Buffer.from(box.open(pathOf(id), sealedPrivateJwk)).toString());
    return { id, publicJwk, privateJwk: PrivateJwk.parse(opened) };
  });
}

function pathOf(id: string): string {
  return `signing_key/private_jwk/${id}`;
}
