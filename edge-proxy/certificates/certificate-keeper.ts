import { describeError } from "#shared/errors/platform-error.ts";
import { createBackoff } from "#shared/lifecycle/backoff.ts";
import { waitFor } from "#shared/lifecycle/wait.ts";
import type { Log } from "#shared/log/log.ts";
import { checkCertificate, type CheckedCertificate } from "./check-certificate.ts";
import type { CertificateFiles } from "./certificate-files.ts";
import { createCertificateRequest } from "./create-request.ts";

/** Issues certificates. */
export interface CertificateSource {
  /** The chain for a request (RFC 2986), PEM, leaf first. */
  obtain(hostname: string, csrPem: string): Promise<string>;
}

/** What {@link createCertificateKeeper} needs. */
export interface CertificateKeeperOptions {
  /** Where certificates come from. */
  readonly source: CertificateSource;
  /** Where they are kept. */
  readonly files: CertificateFiles;
  /** PEM of the roots that chains must lead to, from this machine; not checked while it gives `undefined`. */
  readonly rootsPem?: () => Promise<string | undefined>;
  /** Called with each certificate that is to be served from now on, and with `undefined` when a name is dropped or expired. */
  readonly onCertificate: (hostname: string, certificate: CheckedCertificate | undefined) => void;
  /** Called when {@link CertificateKeeper.state} may have changed. */
  readonly onChange: () => void;
  /** The clock. */
  readonly now: () => Date;
  /** Receives what is issued and what fails. */
  readonly log: Log;
  /** Waits between failed tries; 1 s to 5 min unless given. */
  readonly retry?: { readonly minMs: number; readonly maxMs: number };
  /** Longest sleep before the clock is looked at again; 1 h unless given. */
  readonly checkEveryMs?: number;
}

/** What is known of the certificate of a name: `pending` until the first try has ended. */
export type CertificateState = "pending" | CheckedCertificate | { readonly problem: string };

/** Keeps one live certificate for each wanted name. */
export interface CertificateKeeper {
  /** Wants certificates for exactly these names from now on. */
  want(hostnames: ReadonlySet<string>): void;
  /** What is known of a name. */
  state(hostname: string): CertificateState;
  /** Stops renewing. */
  stop(): Promise<void>;
}

/** Renewal is due at this share of the life, less up to a tenth at random so that names spread out. */
const renewalShare = 2 / 3;

interface KeptName {
  state: CertificateState;
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

/** A keeper that wants nothing yet. */
export function createCertificateKeeper(options: CertificateKeeperOptions): CertificateKeeper {
  const names = new Map<string, KeptName>();
  const { now, log, checkEveryMs = 3_600_000 } = options;

  function start(hostname: string): void {
    const stop = new AbortController();
    const started = Promise.withResolvers<void>();
    const kept: KeptName = { state: "pending", stop, done: started.promise };
    names.set(hostname, kept);
    keep(hostname, kept).then(started.resolve, started.reject);
  }

  async function keep(hostname: string, kept: KeptName): Promise<void> {
    const backoff = createBackoff(options.retry ?? { minMs: 1_000, maxMs: 300_000 });
    let current = await load(hostname, options);
    let renewAtMs = current === undefined ? 0 : renewalTime(current);
    if (current !== undefined) settle(hostname, kept, current);
    while (!kept.stop.signal.aborted) {
      const dueInMs = renewAtMs - now().getTime();
      if (dueInMs > 0) {
        await waitFor(Math.min(dueInMs, checkEveryMs), kept.stop.signal);
        continue;
      }
      try {
        current = await issue(hostname, options);
        renewAtMs = renewalTime(current);
        backoff.reset();
        settle(hostname, kept, current);
      } catch (error) {
        const retryInMs = backoff.next();
        log.warn("cannot obtain a certificate, trying again", { hostname, error, retryInMs });
        if (current === undefined || now() >= current.notAfter) {
          settle(hostname, kept, { problem: describeError(error) });
        }
        await waitFor(retryInMs, kept.stop.signal);
      }
    }
  }

  function settle(hostname: string, kept: KeptName, state: CheckedCertificate | { readonly problem: string }): void {
    if (kept.stop.signal.aborted) return;
    kept.state = state;
    options.onCertificate(hostname, "problem" in state ? undefined : state);
    options.onChange();
  }

  function drop(hostname: string, kept: KeptName): void {
    kept.stop.abort();
    names.delete(hostname);
    options.onCertificate(hostname, undefined);
    // A name that came back meanwhile keeps its pair.
    void kept.done.then(() => names.has(hostname) ? undefined : removePair(hostname, options));
  }

  return {
    want(hostnames) {
      for (const [hostname, kept] of names) if (!hostnames.has(hostname)) drop(hostname, kept);
      for (const hostname of hostnames) if (!names.has(hostname)) start(hostname);
    },
    state: (hostname) => names.get(hostname)?.state ?? "pending",
    async stop() {
      for (const { stop } of names.values()) stop.abort();
      await Promise.all([...names.values()].map(({ done }) => done));
    },
  };
}

/** What is not routed has no key on this node. */
async function removePair(hostname: string, { files, log }: CertificateKeeperOptions): Promise<void> {
  await files.remove(hostname).catch((error: unknown) =>
    log.warn("cannot remove a certificate that is not routed any more", { hostname, error })
  );
}

/** The kept certificate, when it can still be served. */
async function load(hostname: string, options: CertificateKeeperOptions): Promise<CheckedCertificate | undefined> {
  for (const material of await options.files.candidates(hostname)) {
    try {
      const rootsPem = await options.rootsPem?.();
      return checkCertificate(material, { hostname, now: options.now(), rootsPem });
    } catch (error) {
      options.log.info("a kept certificate is not used", { hostname, error });
    }
  }
  return undefined;
}

/** A new certificate, checked and kept. */
async function issue(hostname: string, options: CertificateKeeperOptions): Promise<CheckedCertificate> {
  const { keyPem, csrPem } = await createCertificateRequest(hostname);
  const chainPem = await options.source.obtain(hostname, csrPem);
  const rootsPem = await options.rootsPem?.();
  const certificate = checkCertificate({ chainPem, keyPem }, { hostname, now: options.now(), rootsPem });
  await options.files.save(hostname, certificate);
  const { serialNumber, notAfter } = certificate;
  options.log.info("a certificate was obtained", { hostname, serialNumber, notAfter: notAfter.toISOString() });
  return certificate;
}

/** When to renew, in milliseconds since 1970. */
function renewalTime({ notBefore, notAfter }: CheckedCertificate): number {
  const lifeMs = notAfter.getTime() - notBefore.getTime();
  return notBefore.getTime() + lifeMs * (renewalShare - Math.random() / 10);
}
