import type { FirewallRules } from "#shared/contract/firewall.ts";
import type { LogLevel } from "#shared/log/log.ts";
import type { Challenge } from "../acme/challenge.ts";
import type { DataPlaneSettings, PlaneFacts } from "../data-plane.ts";
import type { PortState } from "../extra-ports.ts";
import type { MetricSamples } from "../metrics/samples.ts";
import type { RouteChanges } from "../routes.ts";
import type { TlsMaterial } from "../tls/host-servers.ts";

/** What a worker is started with. */
export interface WorkerStart {
  readonly settings: DataPlaneSettings;
  /** MaxMind database that knows the country of an address. */
  readonly countryFile?: string;
}

/** What a worker is told. */
export type ToWorker =
  | { readonly kind: "apply"; readonly changes: RouteChanges }
  | { readonly kind: "certificate"; readonly hostname: string; readonly material: TlsMaterial | undefined }
  | { readonly kind: "roots"; readonly pem: string }
  | { readonly kind: "firewall"; readonly rules: FirewallRules }
  | { readonly kind: "log-level"; readonly level: LogLevel }
  | Question;

/** What a worker answers. */
export type Question =
  | { readonly kind: "ask"; readonly id: number; readonly what: "facts" | "samples" | "drain" }
  | {
    readonly kind: "ask";
    readonly id: number;
    readonly what: "challenge";
    readonly step: "present" | "withdraw";
    readonly challenge: Challenge;
  };

/** What is known of a worker's listeners and instances. */
export interface WorkerState {
  /** The main port. */
  readonly port: number;
  /** Every port that is open. */
  readonly ports: readonly number[];
  /** What is known of each extra port. */
  readonly extraPorts: ReadonlyMap<number, PortState>;
  readonly draining: Readonly<Record<string, number>>;
}

/** What a worker answers with, by question. */
export interface Answers {
  readonly facts?: PlaneFacts;
  readonly samples?: MetricSamples;
}

/** What a worker says. */
export type FromWorker =
  | { readonly kind: "ready"; readonly state: WorkerState }
  | { readonly kind: "failed"; readonly code: string; readonly message: string }
  | { readonly kind: "state"; readonly what: "ports" | "draining"; readonly state: WorkerState }
  | { readonly kind: "answer"; readonly id: number; readonly answers: Answers };
