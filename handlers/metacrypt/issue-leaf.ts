import "reflect-metadata";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { type Authority, signingAlgorithm } from "./authority.ts";
import { leafValidity } from "./domain/leaf-validity.ts";
import type { CertificateRequest } from "./read-csr.ts";
import { newSerialNumber } from "./serial-number.ts";

/** A certificate that was signed. */
export interface Leaf {
  readonly der: Uint8Array<ArrayBuffer>;
  /** Hex, 20 bytes. */
  readonly serialNumber: string;
  readonly notAfter: Date;
}

/** Longest common name (RFC 5280, upper bound `ub-common-name`). */
const maxCommonName = 64;

/**
 * A server certificate (RFC 5280 §4) for what the request asks for; whether its names are allowed is decided before.
 *
 * @throws {PlatformError} unavailable — when the issuing authority has ended
 */
export async function issueLeaf(
  authority: Authority,
  request: CertificateRequest,
  { now, ttlSeconds }: { readonly now: Date; readonly ttlSeconds: number },
): Promise<Leaf> {
  const { notBefore, notAfter } = leafValidity(now.getTime(), ttlSeconds, authority.issuing.notAfter.getTime());
  if (notAfter <= now) {
    throw new PlatformError(
      "unavailable",
      `Cannot sign certificates: the issuing authority ended at "${authority.issuing.notAfter.toISOString()}", expected a newer one`,
    );
  }
  const commonName = request.names.find((name) => name.length <= maxCommonName);
  const serialNumber = newSerialNumber();
  const certificate = await X509CertificateGenerator.create({
    serialNumber,
    subject: commonName === undefined ? [] : [{ CN: [commonName] }],
    issuer: authority.issuing.subjectName,
    notBefore,
    notAfter,
    publicKey: request.publicKey,
    signingKey: authority.issuingKey,
    signingAlgorithm,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      // Critical when there is no subject (RFC 5280 §4.2.1.6).
      new SubjectAlternativeNameExtension(
        request.names.map((value) => ({ type: "dns" as const, value })),
        commonName === undefined,
      ),
      await SubjectKeyIdentifierExtension.create(request.publicKey),
      await AuthorityKeyIdentifierExtension.create(authority.issuing.publicKey),
    ],
  });
  return { der: new Uint8Array(certificate.rawData), serialNumber, notAfter };
}
