import { describeError, PlatformError } from "#shared/errors/platform-error.ts";
import { createBackoff } from "#shared/lifecycle/backoff.ts";
import { waitFor } from "#shared/lifecycle/wait.ts";
import type { Log } from "#shared/log/log.ts";
import type { CertificateFiles } from "./certificate-files.ts";
import type { CertificateOrigin, CertificateSource } from "./certificate-source.ts";
import { checkCertificate, type CheckedCertificate } from "./check-certificate.ts";
import { createCertificateRequest } from "./create-request.ts";
import { daysToWarnOf, renewalTime } from "./renewal.ts";
import type { Slots } from "./slots.ts";

/** What {@link keepCertificate} needs. */
export interface CertificateKeeping {
  readonly hostname: string;
  readonly origin: CertificateOrigin;
  /** Where the certificate comes from. */
  readonly source: CertificateSource;
  /** Where it is kept. */
  readonly files: CertificateFiles;
  /** PEM of the roots that its chain must lead to. */
  readonly rootsPem: () => Promise<string | undefined>;
  readonly retry: { readonly minMs: number; readonly maxMs: number };
  /** Longest sleep before the clock is looked at again. */
  readonly checkEveryMs: number;
  /** Bounds what is read and asked for at once. */
  readonly slots: { readonly load: Slots; readonly issue: Slots };
  readonly now: () => Date;
  readonly log: Log;
  /** Ends the keeping. */
  readonly signal: AbortSignal;
  /** Called with a certificate that may be served from now on, and again with why the next one is late. */
  readonly onCertificate: (certificate: CheckedCertificate, renewAt: Date, renewalProblem?: string) => void;
  /** Called with why there is no certificate of this origin. */
  readonly onProblem: (problem: string) => void;
}

interface Kept {
  certificate: CheckedCertificate | undefined;
  renewAtMs: number;
  nextTryAtMs: number;
  problem: string;
  warnedOfDays: number | undefined;
}

/**
 * Keeps one live certificate for a name until `signal` aborts: the one on disk first, a new one when there is none or when its renewal is
 * due. A certificate is checked before it is used and the old one stays until then. Tries after a failure are spaced by a growing wait,
 * never less than what the source asks for. Never rejects.
 */
export async function keepCertificate(keeping: CertificateKeeping): Promise<void> {
  const { signal, now } = keeping;
  const backoff = createBackoff(keeping.retry);
  const certificate = await keeping.slots.load.run(() => load(keeping));
  const kept: Kept = { certificate: undefined, renewAtMs: 0, nextTryAtMs: 0, problem: "", warnedOfDays: undefined };
  if (certificate !== undefined) use(certificate, kept, keeping);
  let keptOnDisk: Promise<void> = Promise.resolve();
  while (!signal.aborted) {
    const nowMs = now().getTime();
    if (kept.certificate !== undefined && now() >= kept.certificate.notAfter) expire(kept, keeping);
    if (nowMs < kept.nextTryAtMs) {
      const expiresInMs = (kept.certificate?.notAfter.getTime() ?? Number.POSITIVE_INFINITY) - nowMs;
      await waitFor(Math.min(kept.nextTryAtMs - nowMs, expiresInMs, keeping.checkEveryMs), signal);
      continue;
    }
    try {
      const issued = await keeping.slots.issue.run(() => issue(keeping));
      backoff.reset();
      use(issued.certificate, kept, keeping);
      keptOnDisk = issued.kept;
    } catch (error) {
      if (signal.aborted) break;
      const retryInMs = Math.max(backoff.next(), retryAfterMs(error));
      kept.nextTryAtMs = now().getTime() + retryInMs;
      keeping.log.warn("cannot obtain a certificate, trying again", { hostname: keeping.hostname, error, retryInMs });
      fail(describeError(error), kept, keeping);
    }
  }
  await keptOnDisk;
}

function use(certificate: CheckedCertificate, kept: Kept, keeping: CertificateKeeping): void {
  const renewAtMs = renewalTime(certificate);
  Object.assign(kept, { certificate, renewAtMs, nextTryAtMs: renewAtMs, problem: "", warnedOfDays: undefined });
  if (!keeping.signal.aborted) keeping.onCertificate(certificate, new Date(renewAtMs));
}

function fail(problem: string, kept: Kept, keeping: CertificateKeeping): void {
  kept.problem = problem;
  const { certificate } = kept;
  if (certificate === undefined) return keeping.onProblem(problem);
  keeping.onCertificate(certificate, new Date(kept.renewAtMs), problem);
  const daysLeft = daysToWarnOf(certificate, keeping.now());
  if (daysLeft === undefined || daysLeft === kept.warnedOfDays) return;
  kept.warnedOfDays = daysLeft;
  const { hostname } = keeping;
  keeping.log.warn("a certificate expires soon and its renewal fails", { hostname, ...expiry(certificate), problem });
}

function expire(kept: Kept, keeping: CertificateKeeping): void {
  const at = kept.certificate?.notAfter.toISOString();
  kept.certificate = undefined;
  keeping.onProblem(`the certificate expired at ${at}${kept.problem && `; ${kept.problem}`}`);
}

/** The kept certificate, when it can still be served. */
async function load(keeping: CertificateKeeping): Promise<CheckedCertificate | undefined> {
  const { hostname, now, log } = keeping;
  for (const material of await keeping.files.candidates(hostname)) {
    try {
      return checkCertificate(material, { hostname, now: now(), rootsPem: await keeping.rootsPem() });
    } catch (error) {
      log.info("a kept certificate is not used", { hostname, error });
    }
  }
  return undefined;
}

/** A new certificate, checked; `kept` resolves when it is on disk, or the keeping has ended. */
async function issue(
  keeping: CertificateKeeping,
): Promise<{ readonly certificate: CheckedCertificate; readonly kept: Promise<void> }> {
  const { hostname, source, signal, log } = keeping;
  signal.throwIfAborted();
  const { keyPem, csrPem } = await createCertificateRequest(hostname);
  const chainPem = await source.obtain(hostname, csrPem, signal);
  const rootsPem = await keeping.rootsPem();
  const certificate = checkCertificate({ chainPem, keyPem }, { hostname, now: keeping.now(), rootsPem });
  signal.throwIfAborted();
  const { later: kept } = await save(certificate, keeping);
  log.info("a certificate was obtained", { hostname, origin: keeping.origin, ...expiry(certificate) });
  return { certificate, kept };
}

/**
 * Keeps a certificate on disk. While that fails it is served all the same: to ask for another one each time would cost a public CA's limits,
 * and only a restart needs the file.
 */
async function save(certificate: CheckedCertificate, keeping: CertificateKeeping): Promise<{ later: Promise<void> }> {
  const { hostname, files, retry, signal, log } = keeping;
  const backoff = createBackoff(retry);
  const tryOnce = async (): Promise<boolean> => {
    try {
      await files.save(hostname, certificate);
      return true;
    } catch (error) {
      log.warn("a certificate is served, but cannot be kept on disk yet", { hostname, error });
      return false;
    }
  };
  const tryOn = async (): Promise<void> => {
    do await waitFor(backoff.next(), signal); while (!signal.aborted && !await tryOnce());
  };
  return { later: await tryOnce() ? Promise.resolve() : tryOn() };
}

function expiry({ serialNumber, notAfter }: CheckedCertificate): { serialNumber: string; notAfter: string } {
  return { serialNumber, notAfter: notAfter.toISOString() };
}

function retryAfterMs(error: unknown): number {
  const after = error instanceof PlatformError ? error.details["retryAfterMs"] : undefined;
  return typeof after === "number" ? after : 0;
}
