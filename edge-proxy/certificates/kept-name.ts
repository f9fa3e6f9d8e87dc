import type { CertificateOrigin, CertificateState, ServedCertificate } from "./certificate-source.ts";
import type { SuppliedState } from "./supplied-certificates.ts";

/** What {@link createKeptName} needs. */
export interface KeptNameOptions {
  readonly hostname: string;
  /** Where its certificate comes from. */
  readonly origin: CertificateOrigin;
  /** What is served since before this origin was chosen. */
  readonly served: ServedCertificate | undefined;
  readonly now: () => Date;
  /** Called with what is to be served from now on. */
  readonly onCertificate: (hostname: string, certificate: ServedCertificate | undefined) => void;
  /** Called when the state has changed. */
  readonly onChange: (hostname: string) => void;
}

/** What a keeper knows of one name. Nothing changes once it has been stopped. */
export interface KeptName {
  readonly origin: CertificateOrigin;
  readonly state: CertificateState;
  readonly served: ServedCertificate | undefined;
  readonly signal: AbortSignal;
  /** Serves a certificate, or notes what has become known of the one that is served. */
  serve(certificate: ServedCertificate): void;
  /** Notes that there is no certificate of this origin. What another origin gave before stays until it expires. */
  fail(problem: string): void;
  /** Shows what the operator has supplied. */
  show(supplied: SuppliedState | undefined): void;
  stop(): void;
}

/** A name whose first try is pending. */
export function createKeptName(options: KeptNameOptions): KeptName {
  const { hostname, origin, onCertificate, onChange } = options;
  const stop = new AbortController();
  let state: CertificateState = "pending";
  let served = options.served;

  function serve(certificate: ServedCertificate): void {
    if (stop.signal.aborted) return;
    const isNew = served?.chainPem !== certificate.chainPem || served.keyPem !== certificate.keyPem;
    state = served = certificate;
    if (isNew) onCertificate(hostname, certificate);
    onChange(hostname);
  }

  function fail(problem: string): void {
    if (stop.signal.aborted) return;
    state = { problem };
    if (served === undefined || served.origin === origin || options.now() >= served.notAfter) {
      served = undefined;
      onCertificate(hostname, undefined);
    }
    onChange(hostname);
  }

  return {
    origin,
    get state() {
      return state;
    },
    get served() {
      return served;
    },
    signal: stop.signal,
    serve,
    fail,
    show(supplied) {
      const { certificate, problem } = supplied ?? {};
      if (certificate === undefined) fail(problem ?? "the supplied certificate is gone");
      else serve({ ...certificate, origin, ...(problem === undefined ? {} : { renewalProblem: problem }) });
    },
    stop: () => stop.abort(),
  };
}
