import { Client } from "acme-client";
import { rootCertificates } from "node:tls";
import { PlatformError } from "#shared/errors/platform-error.ts";
import type { CertificateSource } from "../certificates/certificate-source.ts";
import { loadAccountKey } from "./account-key.ts";
import { setUpAcmeHttp } from "./acme-http.ts";
import { type ChallengeBoard, type ChallengeType, usableChallengeTypes } from "./challenge.ts";
import { orderCertificate } from "./order-certificate.ts";

/** What {@link createAcmeSource} needs. */
export interface AcmeSourceOptions {
  /** Where the CA's directory is (RFC 8555 §7.1.1). */
  readonly directoryUrl: string;
  /** Whom the CA may write to. */
  readonly email?: string;
  /** Whether the operator agrees to the CA's terms of service. */
  readonly agreesToTerms: boolean;
  /** The account at the CA that this one is bound to (RFC 8555 §7.3.4); the key in base64url. */
  readonly externalAccount?: { readonly keyId: string; readonly hmacKey: string };
  /** PEM of the CA that the directory's own certificate comes from; a public one unless given. */
  readonly caPem?: string;
  /** PEM of the roots that issued chains must lead to; the runtime's public ones unless given. */
  readonly rootsPem?: string;
  /** File that keeps the account's key. */
  readonly accountKeyPath: string;
  /** Ways to prove a name, the preferred one first; all that the runtime can answer unless given. After a failure the next has its turn. */
  readonly challengeTypes?: readonly ChallengeType[];
  /** Answers the CA when it looks. */
  readonly board: ChallengeBoard;
}

/** A failed try may count against limits of the CA that are a few in an hour for one name: never more often than this. */
const retry = { minMs: 300_000, maxMs: 21_600_000 };
/** For so long all names wait when the CA says that it is asked too much; the name that was told so, as long as the CA says. */
const maxHoldMs = 600_000;

/**
 * A source of certificates from a public CA by ACME (RFC 8555). The account is made with the first certificate. Orders stop for all names
 * for a while when the CA says that there are too many.
 *
 * @throws {PlatformError} invalid-config — when the terms are not agreed to
 */
export function createAcmeSource(options: AcmeSourceOptions): CertificateSource {
  if (!options.agreesToTerms) {
    const message =
      `Cannot use the CA at "${options.directoryUrl}": its terms are not agreed to, expected agree_terms = true`;
    throw new PlatformError("invalid-config", message);
  }
  setUpAcmeHttp(options.directoryUrl, options.caPem);
  const rootsPem = options.rootsPem ?? rootCertificates.join("\n");
  const usable = usableChallengeTypes();
  const usableTypes = (options.challengeTypes ?? usable).filter((type) => usable.includes(type));
  const failures = new Map<string, number>();
  let client: Promise<Client> | undefined;
  let heldUntilMs = 0;

  async function order(hostname: string, csrPem: string, signal: AbortSignal): Promise<string> {
    assertOrderable(hostname, heldUntilMs);
    client ??= openAccount(options);
    const account = await client.catch((error: unknown) => {
      client = undefined;
      throw error;
    });
    const types = rotate(usableTypes, failures.get(hostname) ?? 0);
    return await orderCertificate(account, { hostname, csrPem, challengeTypes: types, board: options.board, signal });
  }

  return {
    retry,
    parallel: 2,
    rootsPem: () => Promise.resolve(rootsPem),
    async obtain(hostname, csrPem, signal = new AbortController().signal) {
      try {
        const chainPem = await order(hostname, csrPem, signal);
        failures.delete(hostname);
        return chainPem;
      } catch (cause) {
        const error = toFault(hostname, cause);
        const retryAfterMs = error.details["retryAfterMs"];
        if (typeof retryAfterMs === "number") {
          heldUntilMs = Math.max(heldUntilMs, Date.now() + Math.min(retryAfterMs, maxHoldMs));
        } else failures.set(hostname, (failures.get(hostname) ?? 0) + 1);
        throw error;
      }
    },
  };
}

function assertOrderable(hostname: string, heldUntilMs: number): void {
  if (hostname.startsWith("*.")) {
    const message =
      `Cannot obtain a certificate for "${hostname}": a public CA wants dns-01 for it, expected a supplied one`;
    throw new PlatformError("unsupported", message);
  }
  const retryAfterMs = heldUntilMs - Date.now();
  if (retryAfterMs <= 0) return;
  const message = `Cannot obtain a certificate for "${hostname}": the CA was asked too much and is left alone`;
  throw new PlatformError("rate-limited", message, { details: { retryAfterMs } });
}

/** A client with the account of the kept key; the CA makes the account when it does not know the key. */
async function openAccount(options: AcmeSourceOptions): Promise<Client> {
  const { directoryUrl, email, externalAccount } = options;
  const client = new Client({
    directoryUrl,
    accountKey: await loadAccountKey(options.accountKeyPath),
    ...(externalAccount === undefined ? {} : {
      externalAccountBinding: { kid: externalAccount.keyId, hmacKey: externalAccount.hmacKey },
    }),
  });
  const contact = email === undefined ? {} : { contact: [`mailto:${email}`] };
  await client.createAccount({ termsOfServiceAgreed: true, ...contact });
  return client;
}

/** The library's errors are the CA's problem documents as text. */
function toFault(hostname: string, cause: unknown): PlatformError {
  if (cause instanceof PlatformError) return cause;
  const reason = cause instanceof Error ? cause.message.slice(0, 500) : "unknown error";
  return new PlatformError("upstream-failed", `Cannot obtain a certificate for "${hostname}": ${reason}`, { cause });
}

function rotate<T>(list: readonly T[], by: number): T[] {
  const at = by % Math.max(list.length, 1);
  return [...list.slice(at), ...list.slice(0, at)];
}
