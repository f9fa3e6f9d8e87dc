import { createPrivateKey, X509Certificate } from "node:crypto";
import { PlatformError } from "#shared/errors/platform-error.ts";
import type { TlsMaterial } from "../tls/host-servers.ts";

/** A certificate that may be served. */
export interface CheckedCertificate extends TlsMaterial {
  /** Start of its life. */
  readonly notBefore: Date;
  /** End of its life. */
  readonly notAfter: Date;
  /** Serial number, upper-case hex. */
  readonly serialNumber: string;
}

/** What a certificate is checked against. */
export interface CertificateCheck {
  /** Name it must cover. */
  readonly hostname: string;
  /** The moment at which it must be valid. */
  readonly now: Date;
  /** PEM of the roots that the chain must lead to; the chain's end is not checked without it. */
  readonly rootsPem?: string | undefined;
}

/**
 * The material, once it is certain that clients will accept it: the leaf comes first, covers the name, is no CA, is valid now and
 * has the key, each certificate was issued by the next, and the last by a root (RFC 5280 §6, RFC 9525 §6). Roots are not sent.
 *
 * @throws {PlatformError} upstream-failed — with the exact fault
 */
export function checkCertificate(material: TlsMaterial, check: CertificateCheck): CheckedCertificate {
  const chain = parseChain(material.chainPem, check.hostname);
  const [leaf] = chain;
  if (leaf === undefined) throw fault(check, "there is no certificate in it");
  if (leaf.ca) throw fault(check, "the first certificate is a CA's, expected the leaf first");
  if (leaf.checkHost(check.hostname) === undefined) {
    throw fault(check, `it is for ${leaf.subjectAltName ?? "no name"}`);
  }
  const [notBefore, notAfter] = [new Date(leaf.validFrom), new Date(leaf.validTo)];
  if (check.now < notBefore) throw fault(check, `it is valid from ${notBefore.toISOString()} only`);
  if (check.now >= notAfter) throw fault(check, `it expired at ${notAfter.toISOString()}`);
  if (!hasKey(leaf, material.keyPem)) throw fault(check, "the private key belongs to another certificate");
  const sent = checkChain(chain, check);
  return {
    chainPem: sent.map((certificate) => certificate.toString()).join(""),
    keyPem: material.keyPem,
    notBefore,
    notAfter,
    serialNumber: leaf.serialNumber,
  };
}

function checkChain(chain: readonly X509Certificate[], check: CertificateCheck): X509Certificate[] {
  const sent = chain.filter((certificate, index) => index === 0 || !isSelfSigned(certificate));
  for (const [index, certificate] of sent.entries()) {
    const issuer = sent[index + 1];
    if (issuer !== undefined && !isIssuedBy(certificate, issuer)) {
      throw fault(check, `certificate ${index + 1} of the chain was not issued by the next one`);
    }
  }
  const last = sent.at(-1);
  if (check.rootsPem === undefined || last === undefined) return sent;
  const roots = parseChain(check.rootsPem, "the roots");
  if (!roots.some((root) => isIssuedBy(last, root))) throw fault(check, "the chain does not lead to a known root");
  return sent;
}

function parseChain(pem: string, hostname: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch (cause) {
    throw new PlatformError("upstream-failed", `Cannot use the certificate of "${hostname}": it does not parse`, {
      cause,
    });
  }
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function isSelfSigned(certificate: X509Certificate): boolean {
  return certificate.checkIssued(certificate);
}

function hasKey(leaf: X509Certificate, keyPem: string): boolean {
  try {
    return leaf.checkPrivateKey(createPrivateKey(keyPem));
  } catch {
    return false;
  }
}

function fault(check: CertificateCheck, what: string): PlatformError {
  return new PlatformError("upstream-failed", `Cannot use the certificate of "${check.hostname}": ${what}`);
}
