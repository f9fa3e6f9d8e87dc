import "reflect-metadata";
import { ExtendedKeyUsageExtension, X509Certificate as ParsedCertificate } from "@peculiar/x509";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { PlatformError } from "#shared/errors/platform-error.ts";
import type { TlsMaterial } from "../tls/host-servers.ts";
import { certificateNames, coversHost } from "./certificate-names.ts";

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
  /** PEM of the roots that the chain must lead to. Without it only a leaf that stands alone is refused. */
  readonly rootsPem?: string | undefined;
}

/** Authentication of TLS servers, `id-kp-serverAuth` (RFC 5280 §4.2.1.12). */
const serverPurpose = "1.3.6.1.5.5.7.3.1";

/**
 * The material, once it is certain that clients will accept it: the leaf comes first, covers the name, is no CA, may be used for
 * servers, is valid now and has the key; each certificate was issued by the next, which is a CA's and valid now, and the last by a root
 * (RFC 5280 §6, RFC 9525 §6). Roots are not sent.
 *
 * @throws {PlatformError} upstream-failed — with the exact fault
 */
export function checkCertificate(material: TlsMaterial, check: CertificateCheck): CheckedCertificate {
  const chain = parseChain(material.chainPem, check.hostname);
  const [leaf] = chain;
  if (leaf === undefined) throw fault(check, "there is no certificate in it");
  if (leaf.ca) throw fault(check, "the first certificate is a CA's, expected the leaf first");
  if (!coversHost(certificateNames(leaf), check.hostname)) {
    throw fault(check, `it is for ${leaf.subjectAltName ?? "no name"}`);
  }
  checkPurpose(leaf, check);
  const { notBefore, notAfter } = checkLife(leaf, "it", check);
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

/** A certificate that states purposes must state this one (RFC 5280 §4.2.1.12); one for any purpose is not what clients accept. */
function checkPurpose(leaf: X509Certificate, check: CertificateCheck): void {
  // Read by the library because Deno's own class does not tell.
  const purposes = new ParsedCertificate(new Uint8Array(leaf.raw)).getExtension(ExtendedKeyUsageExtension)?.usages;
  if (purposes === undefined || purposes.includes(serverPurpose)) return;
  throw fault(check, `its purposes are ${purposes.join(", ")}, expected ${serverPurpose} (serverAuth) among them`);
}

function checkLife(
  certificate: X509Certificate,
  what: string,
  check: CertificateCheck,
): { notBefore: Date; notAfter: Date } {
  const [notBefore, notAfter] = [new Date(certificate.validFrom), new Date(certificate.validTo)];
  if (check.now < notBefore) throw fault(check, `${what} is valid from ${notBefore.toISOString()} only`);
  if (check.now >= notAfter) throw fault(check, `${what} expired at ${notAfter.toISOString()}`);
  return { notBefore, notAfter };
}

function checkChain(chain: readonly X509Certificate[], check: CertificateCheck): X509Certificate[] {
  const sent = chain.filter((certificate, index) => index === 0 || !isSelfSigned(certificate));
  for (const [index, certificate] of sent.entries()) {
    const issuer = sent[index + 1];
    if (issuer !== undefined && !isIssuedBy(certificate, issuer)) {
      throw fault(check, `certificate ${index + 1} of the chain was not issued by the next one`);
    }
    if (index === 0) continue;
    if (!certificate.ca) throw fault(check, `certificate ${index + 1} of the chain is no CA's`);
    checkLife(certificate, `certificate ${index + 1} of the chain`, check);
  }
  checkEnd(sent, chain.length, check);
  return sent;
}

function checkEnd(sent: readonly X509Certificate[], given: number, check: CertificateCheck): void {
  const last = sent.at(-1);
  if (last === undefined || isTrusted(last, given, check.rootsPem)) return;
  const missing = last.issuer.replaceAll("\n", ", ");
  if (sent.length > 1) throw fault(check, `the chain does not lead to a known root: its last issuer is "${missing}"`);
  throw fault(
    check,
    `the leaf stands alone and does not lead to a known root: the certificate of its issuer "${missing}" is missing, expected it after the leaf`,
  );
}

function isTrusted(last: X509Certificate, given: number, rootsPem: string | undefined): boolean {
  if (rootsPem === undefined) return given > 1 || isSelfSigned(last);
  return parseRoots(rootsPem).some((root) => isIssuedBy(last, root));
}

/** Roots by their PEM: the public ones are 150, and every name is checked against the same. */
const parsedRoots = new Map<string, readonly X509Certificate[]>();
const maxParsedRoots = 4;

function parseRoots(pem: string): readonly X509Certificate[] {
  const known = parsedRoots.get(pem);
  if (known !== undefined) return known;
  const roots = parseChain(pem, "the roots");
  if (parsedRoots.size >= maxParsedRoots) parsedRoots.clear();
  parsedRoots.set(pem, roots);
  return roots;
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
