import { createHistogram } from "./histogram.ts";
import { type SampleSink, toLabels } from "./samples.ts";

/** What is counted for one route. Hold on to it while the route is used: its methods touch no map of names. */
export interface RouteMetrics {
  /**
   * Counts an answered request. Times are from the request's first byte: to the last byte of the response, and to its first
   * (`undefined` when the answer is the proxy's own).
   */
  request(status: number, durationMs: number, firstByteMs?: number): void;
  /** Counts bytes from the client. */
  bytesIn(count: number): void;
  /** Counts bytes to the client. */
  bytesOut(count: number): void;
  /** Counts a connection until the returned function is called; calling it again does nothing. */
  connection(mode: "l4" | "l7"): () => void;
  /** Counts a connection that an instance refused or did not answer. */
  instanceFailure(): void;
}

/** Counters of a route, and how they are written. */
export interface CollectedRoute extends RouteMetrics {
  /** Connections that are open now. */
  open(): number;
  /** Writes everything that was ever counted. */
  collect(sink: SampleSink): void;
}

/** Counters of the route with this key, all zero. */
export function createRouteMetrics(route: string): CollectedRoute {
  const statuses = new Map<number, number>();
  const durations = createHistogram();
  const firstBytes = createHistogram();
  const total = { l4: 0, l7: 0 };
  const open = { l4: 0, l7: 0 };
  let [received, sent, failures] = [0, 0, 0];

  function collectConnections(sink: SampleSink): void {
    for (const mode of ["l4", "l7"] as const) {
      if (total[mode] === 0) continue;
      const labels = `{${toLabels({ route, mode })}}`;
      sink.add("mc_proxy_connections_total", labels, total[mode]);
      sink.add("mc_proxy_connections_open", labels, open[mode]);
    }
  }

  function collectRequests(sink: SampleSink, labels: string): void {
    if (statuses.size === 0) return;
    for (const [status, count] of statuses) {
      sink.add("mc_proxy_requests_total", `{${labels},status="${status}"}`, count);
    }
    for (const [rest, value] of durations.samples(labels)) sink.add("mc_proxy_request_duration_seconds", rest, value);
    for (const [rest, value] of firstBytes.samples(labels)) {
      sink.add("mc_proxy_request_first_byte_seconds", rest, value);
    }
  }

  return {
    request(status, durationMs, firstByteMs) {
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      durations.observe(durationMs);
      if (firstByteMs !== undefined) firstBytes.observe(firstByteMs);
    },
    bytesIn: (count) => void (received += count),
    bytesOut: (count) => void (sent += count),
    connection(mode) {
      total[mode] += 1;
      open[mode] += 1;
      let isOpen = true;
      return () => {
        if (isOpen) open[mode] -= 1;
        isOpen = false;
      };
    },
    instanceFailure: () => void (failures += 1),
    open: () => open.l4 + open.l7,
    collect(sink) {
      const labels = toLabels({ route });
      collectConnections(sink);
      collectRequests(sink, labels);
      if (received > 0) sink.add("mc_proxy_received_bytes_total", `{${labels}}`, received);
      if (sent > 0) sink.add("mc_proxy_sent_bytes_total", `{${labels}}`, sent);
      if (failures > 0) sink.add("mc_proxy_instance_failures_total", `{${labels}}`, failures);
    },
  };
}
