import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { rcodeToText } from "../wire/codes.ts";

/** How a query came in. */
export type Transport = "udp" | "tcp";

/** Who gave the answer. */
export type AnswerSource = "zone" | "cache" | "upstream" | "local" | "refused";

/** What the server counts, in Prometheus' terms. */
export interface DnsMetrics {
  readonly registry: Registry;
  /** Counts a reply. */
  countReply(transport: Transport, source: AnswerSource, rcode: number): void;
  /** Counts a message that gets no reply. */
  countDrop(transport: Transport, reason: string): void;
  /** Counts bytes behind a message. */
  countTrailingBytes(): void;
  /** Records the time of an upstream look-up. */
  observeForward(seconds: number): void;
}

/** Metrics of one server, in a registry of their own. */
export function createDnsMetrics(): DnsMetrics {
  const registry = new Registry();
  const registers = [registry];
  const replies = new Counter({
    name: "dns_replies_total",
    help: "Replies by transport, source and response code",
    labelNames: ["transport", "source", "rcode"],
    registers,
  });
  const drops = new Counter({
    name: "dns_dropped_total",
    help: "Messages without a reply, by reason",
    labelNames: ["transport", "reason"],
    registers,
  });
  const trailing = new Counter({
    name: "dns_trailing_bytes_total",
    help: "Queries with bytes behind the message",
    registers,
  });
  const forward = new Histogram({
    name: "dns_forward_seconds",
    help: "Duration of upstream look-ups",
    buckets: [0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers,
  });
  // Looking labels up costs more than the answer: the children are kept.
  const children = new Map<string, Counter.Internal>();
  return {
    registry,
    countReply(transport, source, rcode) {
      const key = transport + source + rcode;
      const child = children.get(key) ?? replies.labels(transport, source, rcodeToText(rcode));
      children.set(key, child);
      child.inc();
    },
    countDrop: (transport, reason) => drops.inc({ transport, reason }),
    countTrailingBytes: () => trailing.inc(),
    observeForward: (seconds) => forward.observe(seconds),
  };
}

/** Adds a gauge that is read when it is scraped. */
export function addGauge(
  registry: Registry,
  gauge: { readonly name: string; readonly help: string; readonly read: () => number },
): void {
  new Gauge({
    name: gauge.name,
    help: gauge.help,
    registers: [registry],
    collect() {
      this.set(gauge.read());
    },
  });
}
