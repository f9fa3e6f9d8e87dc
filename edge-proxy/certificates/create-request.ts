import "reflect-metadata";
import { Pkcs10CertificateRequestGenerator, SubjectAlternativeNameExtension } from "@peculiar/x509";
import { Buffer } from "node:buffer";

/** A new private key and the request for its certificate. */
export interface CertificateRequest {
  /** The key, PKCS #8 PEM; it never leaves the node. */
  readonly keyPem: string;
  /** The request, PKCS #10 PEM (RFC 2986). */
  readonly csrPem: string;
}

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** A new P-256 key and a request that names `hostnames`, and nothing else, as subject alternative names. */
export async function createCertificateRequest(...hostnames: string[]): Promise<CertificateRequest> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: [],
    keys,
    signingAlgorithm: algorithm,
    extensions: [new SubjectAlternativeNameExtension(hostnames.map((value) => ({ type: "dns" as const, value })))],
  });
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey("pkcs8", keys.privateKey));
  return { keyPem: toPem("PRIVATE KEY", pkcs8), csrPem: request.toString("pem") };
}

function toPem(label: string, der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
