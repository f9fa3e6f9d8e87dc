import "reflect-metadata";
import { Pkcs10CertificateRequest, type PublicKey, SubjectAlternativeNameExtension } from "@peculiar/x509";
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
  const csr = parseCsr(der);
  if (!isAcceptedKey(csr.publicKey)) throw refuse("its key is of another kind, expected P-256, P-384 or Ed25519");
  if (!(await isSignedByItsKey(csr))) throw refuse("its signature is wrong, expected one by the key in it");
  return { publicKey: csr.publicKey, names: readNames(csr) };
}

/** A hostile structure may fail anywhere in the decoder. */
function parseCsr(der: Uint8Array<ArrayBuffer>): Pkcs10CertificateRequest {
  try {
    return new Pkcs10CertificateRequest(der);
  } catch (cause) {
    throw refuse("it cannot be decoded, expected DER of RFC 2986", cause);
  }
}

function isAcceptedKey(publicKey: PublicKey): boolean {
  const { name, namedCurve } = { namedCurve: undefined, ...publicKey.algorithm };
  return name === "Ed25519" || (name === "ECDSA" && (namedCurve === "P-256" || namedCurve === "P-384"));
}

async function isSignedByItsKey(csr: Pkcs10CertificateRequest): Promise<boolean> {
  try {
    return await csr.verify();
  } catch {
    return false; // a key or signature that the runtime cannot even load
  }
}

function readNames(csr: Pkcs10CertificateRequest): string[] {
  const items = readSubjectAltName(csr);
  if (items.length === 0) throw refuse("it has no names, expected dNSName entries in subjectAltName");
  if (items.length > maxNames) throw refuse(`it has ${items.length} names, expected at most ${maxNames}`);
  for (const { type, value } of items) {
    if (type !== "dns") throw refuse(`it has a name of the type "${type}", expected dNSName only`);
    if (!isCertificateName(value)) {
      throw refuse(`"${value.slice(0, 253)}" is not a host name, expected lower-case labels`);
    }
  }
  return [...new Set(items.map(({ value }) => value))];
}

const subjectAltNameOid = "2.5.29.17";

function readSubjectAltName(
  csr: Pkcs10CertificateRequest,
): readonly { readonly type: string; readonly value: string }[] {
  const [extension, ...more] = csr.getExtensions(subjectAltNameOid);
  if (extension === undefined) return [];
  if (more.length > 0 || !(extension instanceof SubjectAlternativeNameExtension)) {
    throw refuse("its subjectAltName is repeated or cannot be decoded, expected one of RFC 5280");
  }
  return extension.names.items;
}

function refuse(reason: string, cause?: unknown): PlatformError {
  return new PlatformError("invalid-request", `Cannot sign the certificate request: ${reason}`, { cause });
}
