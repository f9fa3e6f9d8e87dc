import "reflect-metadata";
import { Extension, PemConverter, SubjectAlternativeNameExtension, X509CertificateGenerator } from "@peculiar/x509";
import { Buffer } from "node:buffer";
import { createHash, randomBytes } from "node:crypto";
import type { TlsMaterial } from "../tls/host-servers.ts";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
/** `id-pe-acmeIdentifier` (RFC 8737 §3). */
const acmeIdentifier = "1.3.6.1.5.5.7.1.31";
const hourMs = 3_600_000;

/** The self-signed certificate that answers a `tls-alpn-01` challenge: it carries the hash of the key authorization (RFC 8737 §3). */
export async function createChallengeCertificate(hostname: string, keyAuthorization: string): Promise<TlsMaterial> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const digest = createHash("sha256").update(keyAuthorization).digest();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: `01${randomBytes(8).toString("hex")}`,
    name: "CN=ACME challenge",
    notBefore: new Date(Date.now() - hourMs),
    notAfter: new Date(Date.now() + hourMs),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new SubjectAlternativeNameExtension([{ type: "dns", value: hostname }]),
      // An OCTET STRING of 32 bytes.
      new Extension(acmeIdentifier, true, Buffer.concat([Buffer.of(4, 32), digest])),
    ],
  });
  const pkcs8 = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return { chainPem: certificate.toString("pem"), keyPem: PemConverter.encode(pkcs8, "PRIVATE KEY") };
}
