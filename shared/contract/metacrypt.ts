import { z } from "zod";
import { auditEndpoint } from "./audit.ts";
import { endpoint } from "./endpoint.ts";
import { AccountName, HostName, Timestamp } from "./names.ts";

/** Certificates in PEM, leaf first, without the root. */
export const ChainPem = z.string().max(65_536);

/** What Metacrypt offers: certificates for names that the caller may have. */
export const metacryptContract = {
  signCsr: endpoint({
    id: "certificate.sign",
    method: "POST",
    path: "/v1/pki/sign",
    summary: "Sign a certificate request (RFC 2986) for names that the caller may have",
    access: ["node", "system", "admin"],
    body: z.object({
      csrPem: z.string().max(16_384),
      /** Life of the certificate; capped by the issuer. */
      ttlSeconds: z.int().min(300).max(90 * 86_400).default(7 * 86_400),
    }),
    answer: z.object({ chainPem: ChainPem, serialNumber: z.string(), notAfter: Timestamp }),
    errors: ["name-not-allowed"],
  }),
  caCertificate: endpoint({
    id: "ca.root",
    method: "GET",
    path: "/v1/pki/ca",
    summary: "Get the root certificate as PEM",
    access: "public",
    answerKind: "raw",
  }),
  caChain: endpoint({
    id: "ca.chain",
    method: "GET",
    path: "/v1/pki/ca/chain",
    summary: "Get the issuing certificate and the root as PEM",
    access: "public",
    answerKind: "raw",
  }),
  putGrant: endpoint({
    id: "grant.put",
    method: "PUT",
    path: "/v1/pki/grants/{account}/{owner}",
    summary: "Replace the names that an owner (a service) lets an account have certificates for",
    access: ["admin", "system"],
    params: z.object({ account: AccountName, owner: AccountName }),
    body: z.object({ names: z.array(HostName).max(256) }),
    errors: ["forbidden"],
  }),
  listGrants: endpoint({
    id: "grant.list",
    method: "GET",
    path: "/v1/pki/grants",
    summary: "List who may have certificates for which names",
    access: ["admin"],
    answer: z.object({ grants: z.array(z.object({ account: AccountName, owner: AccountName, name: HostName })) }),
  }),
  listCertificates: endpoint({
    id: "certificate.list",
    method: "GET",
    path: "/v1/pki/certificates",
    summary: "List issued certificates, newest first",
    access: ["admin"],
    answer: z.object({
      certificates: z.array(z.object({
        serialNumber: z.string(),
        names: z.array(z.string()),
        requestedBy: z.string(),
        issuedAt: Timestamp,
        notAfter: Timestamp,
      })),
    }),
  }),
  listAudit: auditEndpoint("metacrypt"),
} as const;
