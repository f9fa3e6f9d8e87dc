import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { rootCertificates } from "node:tls";
import { describeError, PlatformError } from "#shared/errors/platform-error.ts";
import type { Log } from "#shared/log/log.ts";
import { certificateNames, coversHost } from "./certificate-names.ts";
import { checkCertificate, type CheckedCertificate } from "./check-certificate.ts";
import { daysToWarnOf } from "./renewal.ts";
import { watchFiles } from "./watch-files.ts";

/** One pair of files of the operator. */
export interface SuppliedFiles {
  /** Names that it is for, `*.` for any first label; those of the certificate unless given. */
  readonly hostnames?: readonly string[];
  /** Leaf certificate and intermediates, PEM. */
  readonly chainFile: string;
  /** Private key, PEM. */
  readonly keyFile: string;
  /** Roots that the chain must lead to, PEM; unless given, the platform's and the public ones of the runtime. */
  readonly rootsFile?: string;
}

/** What is known of a supplied certificate: with both, the certificate is an older one that the files do not hold any more. */
export interface SuppliedState {
  readonly certificate?: CheckedCertificate;
  readonly problem?: string;
}

/** What {@link watchSuppliedCertificates} needs. */
export interface SuppliedCertificatesOptions {
  readonly pairs: readonly SuppliedFiles[];
  /** PEM of the platform's roots; while it gives `undefined`, the end of the chains of pairs that name no roots is not checked. */
  readonly rootsPem: () => Promise<string | undefined>;
  /** Looks at the files at least this often; 30 s unless given. */
  readonly pollMs?: number;
  readonly now: () => Date;
  /** Receives what is taken and what is refused, and warnings before a certificate expires. */
  readonly log: Log;
}

/** Certificates that the operator supplies and renews. */
export interface SuppliedCertificates extends AsyncDisposable {
  /** What there is for a name: a pair for just that name before one for a wildcard; `undefined` when no pair is for it. */
  find(hostname: string): SuppliedState | undefined;
  /** Calls `onChange` whenever something else may be found. */
  subscribe(onChange: () => void): void;
}

interface Pair {
  readonly files: SuppliedFiles;
  names: readonly string[];
  state: SuppliedState;
  /** The content that was judged last. */
  seen: string | undefined;
  warnedOfDays: number | undefined;
}

/**
 * The supplied certificates, read once before this resolves and again whenever their files change. A pair is checked before it is used;
 * while a new one is refused, the old one stays and the problem says why.
 */
export async function watchSuppliedCertificates(options: SuppliedCertificatesOptions): Promise<SuppliedCertificates> {
  const pairs = options.pairs.map((files): Pair => ({
    files,
    names: files.hostnames ?? [],
    state: { problem: "the supplied certificate was not read yet" },
    seen: undefined,
    warnedOfDays: undefined,
  }));
  const listeners: (() => void)[] = [];

  async function look(): Promise<void> {
    const changes: boolean[] = [];
    for (const pair of pairs) changes.push(await reload(pair, options), expire(pair, options));
    if (changes.includes(true)) { for (const listener of listeners) listener(); }
  }

  await look();
  const paths = pairs.flatMap(({ files }) => [files.chainFile, files.keyFile]);
  const watch = watchFiles({ paths, pollMs: options.pollMs ?? 30_000, onChange: look });
  return {
    find: (hostname) =>
      (pairs.find(({ names }) => names.includes(hostname)) ?? pairs.find(({ names }) => coversHost(names, hostname)))
        ?.state,
    subscribe: (onChange) => void listeners.push(onChange),
    [Symbol.asyncDispose]: () => watch[Symbol.asyncDispose](),
  };
}

/** Judges the files if they have changed; says whether something has. */
async function reload(pair: Pair, options: SuppliedCertificatesOptions): Promise<boolean> {
  const { chainFile, keyFile, rootsFile } = pair.files;
  const found = await Promise.allSettled([readText(chainFile), readText(keyFile), rootsFile && readText(rootsFile)]);
  const seen = JSON.stringify(found.map((file) => file.status === "fulfilled" ? file.value : String(file.reason)));
  // What was refused is judged again: time alone may make it valid.
  if (seen === pair.seen && pair.state.problem === undefined) return false;
  pair.seen = seen;
  try {
    const [chainPem = "", keyPem = "", rootsPem] = found.map(valueOf);
    const certificate = judge(pair, { chainPem, keyPem }, rootsPem ?? await knownRoots(options), options.now());
    pair.state = { certificate };
    pair.warnedOfDays = undefined;
    const { serialNumber, notAfter } = certificate;
    options.log.info("a supplied certificate is used", { chainFile, names: pair.names, serialNumber, notAfter });
  } catch (error) {
    const problem = describeError(error);
    if (problem === pair.state.problem) return false;
    options.log.warn("a supplied certificate is refused, the one before it stays", { chainFile, keyFile, error });
    pair.state = { ...pair.state, problem };
  }
  return true;
}

function judge(
  pair: Pair,
  material: { readonly chainPem: string; readonly keyPem: string },
  rootsPem: string | undefined,
  now: Date,
): CheckedCertificate {
  const { chainFile, hostnames } = pair.files;
  const names = hostnames ?? namesIn(material.chainPem);
  const [first] = names;
  if (first === undefined) {
    throw new PlatformError("invalid-config", `Cannot use the certificate in "${chainFile}": it is for no host name`);
  }
  const [checked] = names.map((hostname) => checkCertificate(material, { hostname, now, rootsPem }));
  pair.names = names;
  return checked ?? checkCertificate(material, { hostname: first, now, rootsPem });
}

async function knownRoots({ rootsPem }: SuppliedCertificatesOptions): Promise<string | undefined> {
  const platform = await rootsPem();
  return platform === undefined ? undefined : [platform, ...rootCertificates].join("\n");
}

function namesIn(chainPem: string): string[] {
  try {
    return certificateNames(new X509Certificate(chainPem));
  } catch (cause) {
    throw new PlatformError("invalid-config", "Cannot use a supplied certificate: it does not parse", { cause });
  }
}

/** Takes a certificate away that has expired, and warns before; says whether it did. */
function expire(pair: Pair, { now, log }: SuppliedCertificatesOptions): boolean {
  const { certificate, problem } = pair.state;
  if (certificate === undefined) return false;
  const notAfter = certificate.notAfter.toISOString();
  if (now() >= certificate.notAfter) {
    pair.state = {
      problem: `the supplied certificate expired at ${notAfter}${problem === undefined ? "" : `; ${problem}`}`,
    };
    return true;
  }
  const daysLeft = daysToWarnOf(certificate, now());
  if (daysLeft !== undefined && daysLeft !== pair.warnedOfDays) {
    log.warn("a supplied certificate expires soon", { names: pair.names, notAfter, chainFile: pair.files.chainFile });
    pair.warnedOfDays = daysLeft;
  }
  return false;
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown error";
    throw new PlatformError("invalid-config", `Cannot read "${path}": ${code}`, { cause });
  }
}

function valueOf<T>(result: PromiseSettledResult<T>): T {
  if (result.status === "rejected") throw result.reason;
  return result.value;
}
