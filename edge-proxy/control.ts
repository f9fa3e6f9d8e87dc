import type { ProxyReport } from "#shared/contract/state.ts";
import type { Log } from "#shared/log/log.ts";
import type { CertificateFiles } from "./certificates/certificate-files.ts";
import {
  type CertificateKeeper,
  type CertificateKeeperOptions,
  type CertificateSource,
  createCertificateKeeper,
} from "./certificates/certificate-keeper.ts";
import type { DataPlane } from "./data-plane.ts";
import type { ProxyMetrics } from "./metrics.ts";
import type { SampleSink } from "./metrics/samples.ts";
import { createFactsWatch, createPublisher } from "./publisher.ts";
import { reportDetails } from "./report-details.ts";
import { createRouteStates, type RouteStates } from "./route-states.ts";
import type { AppliedChanges } from "./routes.ts";

/** What {@link createControl} needs. */
export interface ControlOptions {
  /** Address that every listener binds. */
  readonly address: string;
  /** Feed revision of the firewall that was applied last. */
  readonly firewallRevision?: () => number | undefined;
  /** Issues certificates for L7 names. */
  readonly certificates: CertificateSource;
  /** Other sources of certificates, which come before. */
  readonly otherCertificates?: Pick<CertificateKeeperOptions, "acme" | "supplied">;
  /** Keeps them. */
  readonly certificateFiles: CertificateFiles;
  /** PEM of the roots that certificates must lead to; not checked without it. */
  readonly rootsPem?: () => Promise<string | undefined>;
  /** Called with each state of the proxy that differs from the one before. */
  readonly report: (report: ProxyReport) => void;
  /** Counts what happens. */
  readonly metrics: ProxyMetrics;
  /** Receives requests, failures and changes. */
  readonly log: Log;
  /** The clock for certificates. */
  readonly now: () => Date;
  /** Waits between failed tries to get a certificate. */
  readonly certificateRetry?: CertificateKeeperOptions["retry"];
}

/** What decides: certificates for what is routed, and the report of what serves. */
export interface Control {
  readonly keeper: CertificateKeeper;
  apply(applied: AppliedChanges, revision: number): void;
  planeChanged(what: "ports" | "draining"): void;
  currentReport(): ProxyReport;
  revision(): number;
  publish(): void;
  stop(): void;
}

/** Certificates for what is routed, and the report of what serves. */
export function createControl(plane: DataPlane, options: ControlOptions): Control {
  let revision = 0;
  let appliedRevision = 0;
  let wantedVersion = -1;
  const keeper = createKeeper(plane, options, (hostname) => {
    states.updateName(hostname);
    publisher.publish();
  });
  const states: RouteStates = createRouteStates({
    table: plane.table,
    port: plane.portState,
    certificate: keeper.state,
  });
  const publisher = createPublisher(() => options.report(currentReport()));

  options.metrics.collectFrom((sink) => countRoutes(plane, states, sink));
  const facts = createFactsWatch(plane, () => publisher.publish());

  function currentReport(): ProxyReport {
    appliedRevision = Math.max(appliedRevision, states.settled(revision));
    return {
      appliedRevision,
      problems: states.problems(),
      draining: plane.draining(),
      ...reportDetails({
        plane,
        address: options.address,
        certificate: keeper.state,
        facts: facts.last(),
        firewallRevision: options.firewallRevision?.(),
      }),
    };
  }

  return {
    keeper,
    apply(applied, newRevision) {
      revision = newRevision;
      states.remove(applied.gone);
      if (wantedVersion !== plane.table.versions.tlsNames) {
        keeper.want(plane.table.tlsNames, plane.table.acmeNames);
      }
      wantedVersion = plane.table.versions.tlsNames;
      states.update(applied.changed, newRevision);
      publisher.publish();
    },
    planeChanged(what) {
      if (what === "ports") states.updateAll();
      publisher.publish();
    },
    currentReport,
    revision: () => revision,
    publish: publisher.publish,
    stop() {
      facts.stop();
      publisher.stop();
    },
  };
}

function countRoutes({ table }: Pick<DataPlane, "table">, states: RouteStates, sink: SampleSink): void {
  const conflicts = table.conflicts.size;
  const troubled = Object.keys(states.problems()).length - conflicts;
  sink.add("mc_proxy_routes", '{state="conflict"}', conflicts);
  sink.add("mc_proxy_routes", '{state="problem"}', troubled);
  sink.add("mc_proxy_routes", '{state="serves"}', table.size - troubled - states.pending());
  sink.add("mc_proxy_routes", '{state="pending"}', states.pending());
}

function createKeeper(
  plane: DataPlane,
  options: ControlOptions,
  onChange: (hostname: string) => void,
): CertificateKeeper {
  const { metrics } = options;
  return createCertificateKeeper({
    ...options.otherCertificates,
    source: options.certificates,
    files: options.certificateFiles,
    onCertificate(hostname, certificate) {
      plane.certificate(hostname, certificate);
      metrics.certificate(hostname, certificate?.notAfter);
    },
    onChange,
    now: options.now,
    log: options.log,
    ...(options.rootsPem === undefined ? {} : { rootsPem: options.rootsPem }),
    ...(options.certificateRetry === undefined ? {} : { retry: options.certificateRetry }),
  });
}
