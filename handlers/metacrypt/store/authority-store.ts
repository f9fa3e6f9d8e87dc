import { z } from "zod";
import type { Database, Sql } from "#shared/store/database.ts";
import type { SealedBox } from "#shared/store/sealed-box.ts";
import type { AuthorityKey, AuthorityKeys } from "../authority.ts";

const Row = z.object({
  certificate: z.instanceof(ArrayBuffer).transform((buffer) => new Uint8Array(buffer)),
  sealedKey: z.instanceof(ArrayBuffer).transform((buffer) => new Uint8Array(buffer)),
});

type AuthorityRole = keyof AuthorityKeys;

/**
 * The authority's certificates and keys; the first call ever makes them with `create`.
 *
 * @throws {PlatformError} sealed — when the box has another master key than the one they were sealed with
 */
export function loadAuthorityKeys(
  database: Database,
  box: SealedBox,
  options: { readonly create: () => Promise<AuthorityKeys>; readonly nowMs: number },
): Promise<AuthorityKeys> {
  return database.transaction(async (tx) => {
    const root = await findKey(tx, box, "root");
    const issuing = await findKey(tx, box, "issuing");
    if (root !== undefined && issuing !== undefined) return { root, issuing };
    const keys = await options.create();
    for (const role of ["root", "issuing"] as const) {
      await tx.run("INSERT INTO authority (role, certificate, sealed_key, created_at) VALUES (?, ?, ?, ?)", [
        role,
        keys[role].certificate,
        box.seal(pathOf(role), keys[role].privateKey),
        options.nowMs,
      ]);
    }
    return keys;
  });
}

async function findKey(sql: Sql, box: SealedBox, role: AuthorityRole): Promise<AuthorityKey | undefined> {
  const row = await sql.first("SELECT certificate, sealed_key AS sealedKey FROM authority WHERE role = ?", [role]);
  if (row === undefined) return undefined;
  const { certificate, sealedKey } = Row.parse(row);
  return { certificate, privateKey: box.open(pathOf(role), sealedKey) };
}

function pathOf(role: AuthorityRole): string {
  return `authority/key/${role}`;
}
