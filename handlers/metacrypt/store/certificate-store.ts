import { z } from "zod";
import type { Sql } from "#shared/store/database.ts";

/** A certificate that was issued. */
export interface IssuedCertificate {
  readonly serialNumber: string;
  readonly names: readonly string[];
  /** Name of the account. */
  readonly requestedBy: string;
  readonly issuedAtMs: number;
  readonly notAfterMs: number;
}

const Row = z.object({
  serialNumber: z.string(),
  names: z.string().transform((text): unknown => JSON.parse(text)).pipe(z.array(z.string())),
  requestedBy: z.string(),
  issuedAtMs: z.int(),
  notAfterMs: z.int(),
});

/** Most certificates in one list. */
export const maxListedCertificates = 1_000;

/** Remembers a certificate, before anybody gets it. */
export async function insertCertificate(
  sql: Sql,
  certificate: IssuedCertificate & { readonly der: Uint8Array },
): Promise<void> {
  await sql.run(
    "INSERT INTO certificate (serial_number, names, requested_by, issued_at, not_after, der) VALUES (?, ?, ?, ?, ?, ?)",
    [
      certificate.serialNumber,
      JSON.stringify(certificate.names),
      certificate.requestedBy,
      certificate.issuedAtMs,
      certificate.notAfterMs,
      certificate.der,
    ],
  );
}

/** The newest certificates first. */
export async function listCertificates(sql: Sql): Promise<IssuedCertificate[]> {
  const rows = await sql.all(
    `SELECT serial_number AS serialNumber, names, requested_by AS requestedBy, issued_at AS issuedAtMs, not_after AS notAfterMs
     FROM certificate ORDER BY id DESC LIMIT ?`,
    [maxListedCertificates],
  );
  return rows.map((row) => Row.parse(row));
}
