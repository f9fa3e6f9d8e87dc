import type { Log } from "#shared/log/log.ts";
import type { CertificateFiles } from "./certificate-files.ts";
import type {
  CertificateOrigin,
  CertificateSource,
  CertificateState,
  ServedCertificate,
} from "./certificate-source.ts";
import type { CheckedCertificate } from "./check-certificate.ts";
import { keepCertificate } from "./keep-certificate.ts";
import { createKeptName, type KeptName } from "./kept-name.ts";
import { createSlots } from "./slots.ts";
import type { SuppliedCertificates } from "./supplied-certificates.ts";

export type { CertificateSource, CertificateState } from "./certificate-source.ts";

/** What {@link createCertificateKeeper} needs. */
export interface CertificateKeeperOptions {
  /** The platform's CA. */
  readonly source: CertificateSource;
  /** A public CA, for the names that want one; they have a problem without it. */
  readonly acme?: CertificateSource;
  /** Certificates of the operator: they come before any other source. */
  readonly supplied?: SuppliedCertificates;
  /** Where issued certificates are kept. */
  readonly files: CertificateFiles;
  /** PEM of the platform's roots, from this machine; the end of its chains is not checked while it gives `undefined`. */
  readonly rootsPem?: () => Promise<string | undefined>;
  /**
   * Called with each certificate that is to be served from now on, and with `undefined` when a name is dropped or expired. What it gets
   * is plain data: a worker can be sent it.
   */
  readonly onCertificate: (hostname: string, certificate: CheckedCertificate | undefined) => void;
  /** Called with each name of which {@link CertificateKeeper.state} has become another; after `onCertificate`. */
  readonly onChange: (hostname: string) => void;
  /** The clock. */
  readonly now: () => Date;
  /** Receives what is issued and what fails. */
  readonly log: Log;
  /** Waits between failed tries at the platform's CA; 1 s to 5 min unless given. */
  readonly retry?: { readonly minMs: number; readonly maxMs: number };
  /** Longest sleep before the clock is looked at again; 1 h unless given. */
  readonly checkEveryMs?: number;
}

/** Keeps one live certificate for each wanted name. */
export interface CertificateKeeper {
  /** Wants certificates for exactly these names from now on; those of `acmeNames` from the public CA. */
  want(hostnames: ReadonlySet<string>, acmeNames?: ReadonlySet<string>): void;
  /** What is known of a name. */
  state(hostname: string): CertificateState;
  /** Stops renewing. */
  stop(): Promise<void>;
}

interface Keeping {
  readonly name: KeptName;
  readonly done: Promise<void>;
}

/** Most names whose files are read at once. */
const parallelLoads = 16;
/** Most requests to one CA at once, unless the source says otherwise. */
const parallelIssues = 8;

/** A keeper that wants nothing yet. */
export function createCertificateKeeper(options: CertificateKeeperOptions): CertificateKeeper {
  const names = new Map<string, Keeping>();
  const keep = createOrigins(options);
  let fromAcme: ReadonlySet<string> = new Set();

  function originOf(hostname: string): CertificateOrigin {
    if (options.supplied?.find(hostname) !== undefined) return "supplied";
    return fromAcme.has(hostname) ? "acme" : "platform";
  }

  function start(hostname: string, served: ServedCertificate | undefined): void {
    const { now, onCertificate, onChange } = options;
    const name = createKeptName({ hostname, origin: originOf(hostname), served, now, onCertificate, onChange });
    names.set(hostname, { name, done: keep(hostname, name) });
  }

  function update(hostname: string): void {
    const name = names.get(hostname)?.name;
    if (name === undefined) return start(hostname, undefined);
    if (name.origin === originOf(hostname)) return;
    name.stop();
    start(hostname, name.served);
  }

  function drop(hostname: string, { name, done }: Keeping): void {
    name.stop();
    names.delete(hostname);
    options.onCertificate(hostname, undefined);
    // A name that came back meanwhile keeps its pair.
    void done.then(() => names.has(hostname) ? undefined : removePair(hostname, options));
  }

  options.supplied?.subscribe(() => {
    for (const [hostname, { name }] of [...names]) {
      const supplied = options.supplied?.find(hostname);
      if (supplied !== undefined && name.origin === "supplied") name.show(supplied);
      else update(hostname);
    }
  });
  return {
    want(hostnames, acmeNames = new Set()) {
      fromAcme = new Set(acmeNames);
      for (const [hostname, keeping] of names) if (!hostnames.has(hostname)) drop(hostname, keeping);
      for (const hostname of hostnames) update(hostname);
    },
    state: (hostname) => names.get(hostname)?.name.state ?? "pending",
    async stop() {
      for (const { name } of names.values()) name.stop();
      await Promise.all([...names.values()].map(({ done }) => done));
    },
  };
}

/** Keeps a name's certificate by the rules of its origin, until the name is stopped. */
function createOrigins(options: CertificateKeeperOptions): (hostname: string, name: KeptName) => Promise<void> {
  const { source, acme, supplied, rootsPem = () => Promise.resolve(undefined), checkEveryMs = 3_600_000 } = options;
  const { files, now, log } = options;
  const load = createSlots(parallelLoads);
  const toOrigin = (of: CertificateSource) => ({
    source: of,
    slots: { load, issue: createSlots(of.parallel ?? parallelIssues) },
    rootsPem: of.rootsPem ?? rootsPem,
    retry: of.retry ?? options.retry ?? { minMs: 1_000, maxMs: 300_000 },
  });
  const origins = { platform: toOrigin(source), acme: acme && toOrigin(acme) };
  return async (hostname, name) => {
    const { origin, signal } = name;
    if (origin === "supplied") return name.show(supplied?.find(hostname));
    const from = origins[origin];
    if (from === undefined) {
      return name.fail("the route wants a public certificate, expected [acme] in the configuration");
    }
    await keepCertificate({
      ...{ ...from, hostname, origin, files, checkEveryMs, now, log, signal },
      onProblem: name.fail,
      onCertificate: (certificate, renewAt, renewalProblem) =>
        name.serve({ ...certificate, origin, renewAt, ...(renewalProblem === undefined ? {} : { renewalProblem }) }),
    });
  };
}

/** What is not routed has no key on this node. */
async function removePair(hostname: string, { files, log }: CertificateKeeperOptions): Promise<void> {
  await files.remove(hostname).catch((error: unknown) =>
    log.warn("cannot remove a certificate that is not routed any more", { hostname, error })
  );
}
