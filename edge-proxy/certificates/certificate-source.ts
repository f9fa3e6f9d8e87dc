import type { CheckedCertificate } from "./check-certificate.ts";

/** Issues certificates. */
export interface CertificateSource {
  /**
   * The chain for a request (RFC 2986), PEM, leaf first. Gives up when `signal` aborts.
   *
   * @throws {PlatformError} any code; `details.retryAfterMs` is honoured
   */
  obtain(hostname: string, csrPem: string, signal?: AbortSignal): Promise<string>;
  /** PEM of the roots that its chains must lead to; unless given, or while `undefined`, those of the keeper. */
  readonly rootsPem?: () => Promise<string | undefined>;
  /** Waits between failed tries for one name. */
  readonly retry?: { readonly minMs: number; readonly maxMs: number };
  /** Most certificates that are asked for at once. */
  readonly parallel?: number;
}

/** Where the certificate of a name comes from: the platform's CA, a public one, or the operator. */
export type CertificateOrigin = "platform" | "acme" | "supplied";

/** A certificate that is served. */
export interface ServedCertificate extends CheckedCertificate {
  /** Where it comes from. */
  readonly origin: CertificateOrigin;
  /** When the next one is due; nobody but the operator renews supplied ones. */
  readonly renewAt?: Date;
  /** Why the one that should take its place does not; the old one stays until it expires. */
  readonly renewalProblem?: string;
}

/** What is known of the certificate of a name: `pending` until the first try has ended. */
export type CertificateState = "pending" | ServedCertificate | { readonly problem: string };
