import process from "node:process";
import { Counter, Gauge, Histogram, Registry } from "prom-client";

/** Numbers about requests, for Prometheus. */
export interface HttpMetrics {
  /** The media type of {@link HttpMetrics.text}. */
  readonly contentType: string;
  /** All numbers in the Prometheus text format. */
  text(): Promise<string>;
  /** Begins to measure a request; the answer is called with the response's status. */
  begin(system: string): (status: number) => void;
  /** Adds a number that is read whenever the metrics are: a value for each value of one label. */
  addGauge(gauge: LabelledGauge): void;
}

/** A number with one label. */
export interface LabelledGauge {
  readonly name: string;
  readonly help: string;
  readonly label: string;
  readonly read: () => Promise<ReadonlyMap<string, number>>;
}

/** Metrics of one server in a registry of their own. Durations end at the response's head: streams go on for long. */
export function createHttpMetrics(nowMs: () => number = () => performance.now()): HttpMetrics {
  const registry = new Registry();
  const requests = new Counter({
    name: "metacircular_http_requests_total",
    help: "Requests answered",
    labelNames: ["system", "status"],
    registers: [registry],
  });
  const durations = new Histogram({
    name: "metacircular_http_request_duration_seconds",
    help: "Time until the head of the response",
    labelNames: ["system", "status"],
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30],
    registers: [registry],
  });
  new Gauge({
    name: "process_resident_memory_bytes",
    help: "Resident memory of this process",
    registers: [registry],
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    addGauge({ name, help, label, read }) {
      new Gauge({
        name,
        help,
        labelNames: [label],
        registers: [registry],
        async collect() {
          this.reset();
          for (const [value, number] of await read()) this.set({ [label]: value }, number);
        },
      });
    },
    begin(system) {
      const startMs = nowMs();
      return (status) => {
        const labels = { system, status: String(status) };
        requests.inc(labels);
        durations.observe(labels, (nowMs() - startMs) / 1000);
      };
    },
  };
}
