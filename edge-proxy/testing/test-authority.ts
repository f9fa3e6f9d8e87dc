import "reflect-metadata";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  Pkcs10CertificateRequest,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { Buffer } from "node:buffer";
import type { CertificateSource } from "../certificates/certificate-keeper.ts";
import { createCertificateRequest } from "../certificates/create-request.ts";
import type { TlsMaterial } from "../tls/host-servers.ts";

/** Life of an issued certificate, and what else is in it. */
export interface Validity {
  /** Start; an hour ago unless given. */
  readonly notBefore?: Date;
  /** End; a day from now unless given. */
  readonly notAfter?: Date;
  /** Further names. */
  readonly alsoFor?: readonly string[];
  /** Purposes by their object identifiers (RFC 5280 §4.2.1.12); none are stated unless given. */
  readonly purposes?: readonly string[];
}

/** A certificate authority for tests: a root and an intermediate. */
export interface TestAuthority extends CertificateSource {
  /** PEM of the root. */
  readonly rootPem: string;
  /** A key and chain for a name. */
  issue(hostname: string, validity?: Validity): Promise<TlsMaterial>;
  /** The chain for a request, leaf first. */
  sign(csrPem: string, validity?: Validity): Promise<string>;
}

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const hourMs = 3_600_000;
let serial = 1;

/** A new authority; every test file makes its own. */
export async function createTestAuthority(): Promise<TestAuthority> {
  const rootKeys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const life = toLife({ notAfter: new Date(Date.now() + 365 * 24 * hourMs) });
  const shared = {
    ...life,
    signingAlgorithm: algorithm,
    extensions: [new BasicConstraintsExtension(true, undefined, true)],
  };
  const root = await X509CertificateGenerator.createSelfSigned({
    ...shared,
    serialNumber: nextSerial(),
    name: "CN=test root",
    keys: rootKeys,
  });
  const issuing = await X509CertificateGenerator.create({
    ...shared,
    serialNumber: nextSerial(),
    subject: "CN=test issuing",
    issuer: root.subject,
    publicKey: keys.publicKey,
    signingKey: rootKeys.privateKey,
  });

  async function sign(csrPem: string, validity: Validity = {}): Promise<string> {
    const request = new Pkcs10CertificateRequest(csrPem);
    const names = request.getExtension("2.5.29.17");
    const leaf = await X509CertificateGenerator.create({
      ...toLife(validity),
      serialNumber: nextSerial(),
      subject: request.subject,
      issuer: issuing.subject,
      publicKey: request.publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: algorithm,
      extensions: [
        ...(names instanceof SubjectAlternativeNameExtension ? [names] : []),
        ...(validity.purposes === undefined ? [] : [new ExtendedKeyUsageExtension([...validity.purposes])]),
      ],
    });
    return `${leaf.toString("pem")}\n${issuing.toString("pem")}\n`;
  }

  return {
    rootPem: root.toString("pem"),
    sign,
    obtain: (_hostname, csrPem) => sign(csrPem),
    async issue(hostname, validity) {
      const { keyPem, csrPem } = await createCertificateRequest(hostname, ...validity?.alsoFor ?? []);
      return { keyPem, chainPem: await sign(csrPem, validity) };
    },
  };
}

function toLife(validity: Validity): { notBefore: Date; notAfter: Date } {
  const { notBefore = new Date(Date.now() - hourMs), notAfter = new Date(Date.now() + 24 * hourMs) } = validity;
  return { notBefore, notAfter };
}

function nextSerial(): string {
  serial += 1;
  return Buffer.from([1, serial >> 8, serial & 255]).toString("hex");
}
