import "reflect-metadata";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { newSerialNumber } from "./serial-number.ts";

/** A certificate of the authority with its private key (PKCS #8, DER). */
export interface AuthorityKey {
  readonly certificate: Uint8Array<ArrayBuffer>;
  readonly privateKey: Uint8Array<ArrayBuffer>;
}

/** A root and the issuing authority under it, which signs all leaves. */
export interface AuthorityKeys {
  readonly root: AuthorityKey;
  readonly issuing: AuthorityKey;
}

/** What signs leaves. */
export interface Authority {
  readonly root: X509Certificate;
  readonly issuing: X509Certificate;
  readonly issuingKey: CryptoKey;
}

const keyAlgorithm = { name: "ECDSA", namedCurve: "P-256" } as const;
/** Signature algorithm of all certificates. */
export const signingAlgorithm = { name: "ECDSA", hash: "SHA-256" } as const;

const rootYears = 10;
const issuingYears = 5;

/** A new authority for a domain: a root for ten years and an issuing authority for five, which may have none below it. */
export async function createAuthorityKeys(domain: string, now: Date): Promise<AuthorityKeys> {
  const rootPair = await crypto.subtle.generateKey(keyAlgorithm, true, ["sign", "verify"]);
  const issuingPair = await crypto.subtle.generateKey(keyAlgorithm, true, ["sign", "verify"]);
  const root = await signAuthority({
    commonName: "Metacircular Root CA",
    domain,
    now,
    years: rootYears,
    subjectKey: rootPair.publicKey,
    issuerKeys: rootPair,
  });
  const issuing = await signAuthority({
    commonName: "Metacircular Issuing CA",
    domain,
    now,
    years: issuingYears,
    pathLength: 0,
    subjectKey: issuingPair.publicKey,
    issuerKeys: rootPair,
    issuer: root,
  });
  return { root: await toAuthorityKey(root, rootPair), issuing: await toAuthorityKey(issuing, issuingPair) };
}

/** The authority with its issuing key ready for use. */
export async function openAuthority(
  keys: { root: Pick<AuthorityKey, "certificate">; issuing: AuthorityKey },
): Promise<Authority> {
  return {
    root: new X509Certificate(keys.root.certificate),
    issuing: new X509Certificate(keys.issuing.certificate),
    issuingKey: await crypto.subtle.importKey("pkcs8", keys.issuing.privateKey, keyAlgorithm, false, ["sign"]),
  };
}

interface AuthorityOptions {
  readonly commonName: string;
  readonly domain: string;
  readonly now: Date;
  readonly years: number;
  readonly pathLength?: number;
  readonly subjectKey: CryptoKey;
  readonly issuerKeys: CryptoKeyPair;
  /** The root, unless this is it. */
  readonly issuer?: X509Certificate;
}

/** Extensions as RFC 5280 §4.2.1 asks for in an authority's certificate. */
async function signAuthority(options: AuthorityOptions): Promise<X509Certificate> {
  const { now, issuer, issuerKeys, subjectKey } = options;
  const subject = [{ O: [options.domain.slice(0, 64)] }, { CN: [options.commonName] }];
  return X509CertificateGenerator.create({
    serialNumber: newSerialNumber(),
    subject,
    issuer: issuer?.subjectName ?? subject,
    notBefore: addYears(now, 0),
    notAfter: addYears(now, options.years),
    publicKey: subjectKey,
    signingKey: issuerKeys.privateKey,
    signingAlgorithm,
    extensions: [
      new BasicConstraintsExtension(true, options.pathLength, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(subjectKey),
      await AuthorityKeyIdentifierExtension.create(issuerKeys.publicKey),
    ],
  });
}

/** Whole seconds, five minutes back, as clocks may be late. */
function addYears(now: Date, years: number): Date {
  const moment = new Date(Math.floor(now.getTime() / 1000) * 1000 - 300_000);
  moment.setUTCFullYear(moment.getUTCFullYear() + years);
  return moment;
}

async function toAuthorityKey(certificate: X509Certificate, pair: CryptoKeyPair): Promise<AuthorityKey> {
  return {
    certificate: new Uint8Array(certificate.rawData),
    privateKey: new Uint8Array(await crypto.subtle.exportKey("pkcs8", pair.privateKey)),
  };
}
