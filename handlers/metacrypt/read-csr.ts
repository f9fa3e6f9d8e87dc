import "reflect-metadata";
import { Pkcs10CertificateRequest, type PublicKey, SubjectAlternativeNameExtension } from "@peculiar/x509";
import { z } from "zod";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { isCertificateName, maxNames } from "./domain/certificate-name.ts";
import { fromCsrPem } from "./domain/pem.ts";

/** What a certificate request asks for. Its subject and other extensions count for nothing. */
export interface CertificateRequest {
  readonly publicKey: PublicKey;
  /** Names of its subjectAltName, each once. */
  readonly names: readonly string[];
}

/**
 * What a request (RFC 2986) in PEM asks for, once its signature shows that the caller has the key.
 *
 * @throws {PlatformError} invalid-request — when it is not such a request
 */
export async function readCsr(csrPem: string): Promise<CertificateRequest> {
  const der = fromCsrPem(csrPem);
  if (der === undefined) throw refuse("it is not one PEM block with a DER structure, expected one CERTIFICATE REQUEST");
  const { csr, publicKey, keyKind, altNames } = decodeCsr(der);
  if (!acceptedKeyKinds.has(keyKind)) throw refuse("its key is of another kind, expected P-256, P-384 or Ed25519");
  if (!(await isSignedByItsKey(csr))) throw refuse("its signature is wrong, expected one by the key in it");
  return { publicKey, names: toNames(altNames) };
}

interface DecodedCsr {
  readonly csr: Pkcs10CertificateRequest;
  readonly publicKey: PublicKey;
  readonly keyKind: string;
  readonly altNames: readonly AltName[];
}

interface AltName {
  readonly type: string;
  readonly value: string;
}

const acceptedKeyKinds: ReadonlySet<string> = new Set(["ECDSA P-256", "ECDSA P-384", "Ed25519"]);
const KeyAlgorithm = z.object({ name: z.string(), namedCurve: z.string().optional() });
const subjectAltNameOid = "2.5.29.17";

/** The decoder decodes parts when they are first read, and a hostile structure may fail at any of them: all are read here. */
function decodeCsr(der: Uint8Array<ArrayBuffer>): DecodedCsr {
  try {
    const csr = new Pkcs10CertificateRequest(der);
    const { publicKey } = csr;
    const { name, namedCurve } = KeyAlgorithm.parse(publicKey.algorithm);
    const keyKind = namedCurve === undefined ? name : `${name} ${namedCurve}`;
    const [extension, ...more] = csr.getExtensions(subjectAltNameOid);
    if (more.length > 0) throw refuse("its subjectAltName is repeated, expected one");
    const altNames = extension === undefined ? [] : new SubjectAlternativeNameExtension(extension.rawData).names.items;
    return { csr, publicKey, keyKind, altNames: altNames.map(({ type, value }) => ({ type, value })) };
  } catch (cause) {
    if (cause instanceof PlatformError) throw cause;
    throw refuse("it cannot be decoded, expected DER of RFC 2986", cause);
  }
}

async function isSignedByItsKey(csr: Pkcs10CertificateRequest): Promise<boolean> {
  try {
    return await csr.verify();
  } catch {
    return false; // a key or signature that the runtime cannot even load
  }
}

function toNames(altNames: readonly AltName[]): string[] {
  if (altNames.length === 0) throw refuse("it has no names, expected dNSName entries in subjectAltName");
  if (altNames.length > maxNames) throw refuse(`it has ${altNames.length} names, expected at most ${maxNames}`);
  for (const { type, value } of altNames) {
    if (type !== "dns") throw refuse(`it has a name of the type "${type}", expected dNSName only`);
    if (!isCertificateName(value)) {
      throw refuse(`"${value.slice(0, 253)}" is not a host name, expected lower-case labels`);
    }
  }
  return [...new Set(altNames.map(({ value }) => value))];
}

function refuse(reason: string, cause?: unknown): PlatformError {
  return new PlatformError("invalid-request", `Cannot sign the certificate request: ${reason}`, { cause });
}
