import type { MetricName } from "./metrics/families.ts";
import { type CollectedRoute, createRouteMetrics, type RouteMetrics } from "./metrics/route-metrics.ts";
import { createSamples, type MetricSamples, renderSamples, type SampleSink, toLabels } from "./metrics/samples.ts";

/** Why a connection was refused before it reached an instance. */
export type RefusalReason =
  | "not-tls"
  | "malformed"
  | "too-large"
  | "timeout"
  | "closed"
  | "no-sni"
  | "unknown-sni"
  | "tls-version"
  | "no-certificate"
  | "handshake"
  | "no-backend"
  | "proxy-header"
  | "blocked"
  | "limited"
  | "draining";

/** Which limit was hit. The names are those of the configuration's `[limits]`, or of a route's limits. */
export type LimitName =
  | "connections"
  | "connections_per_address"
  | "new_connections"
  | "handshakes"
  | "requests"
  | "head"
  | "body"
  | "body_rate"
  | "request_head"
  | "first_byte"
  | "total"
  | "idle"
  | "streams";

/** Why a TLS handshake failed. */
export type HandshakeFault = "timeout" | "closed" | "version" | "cipher" | "alpn" | "client-refused" | "other";

/** Counts what the proxy does. Labels are route keys, rules and closed sets, never what a client sent. */
export interface ProxyMetrics {
  /** Counters of the route with this key (`<hostname>:<port>`): look it up once for a connection or a request. */
  route(routeKey: string): RouteMetrics;
  /** Counts an answered request without its times; `route` may be any closed word when no route is known. */
  request(route: string, status: number): void;
  /** Forgets the counters of a route that is gone, once none of its connections is open. */
  forget(routeKey: string): void;
  /** Counts a refused connection. */
  refused(reason: RefusalReason): void;
  /** Counts a connection or request refused by a rule: `rule` is the rule's text, `by` what it goes by. */
  blocked(by: string, rule: string): void;
  /** Counts a connection or request refused or cut by a limit. */
  limited(limit: LimitName): void;
  /** Counts a failed handshake; `hostname` is that of a route. */
  handshakeFailed(hostname: string, reason: HandshakeFault): void;
  /** Counts something that has no method of its own; `labels` are of closed sets. */
  count(name: MetricName, labels?: Readonly<Record<string, string>>): void;
  /** Notes when the certificate of `hostname` expires; `undefined` forgets it. */
  certificate(hostname: string, expiresAt: Date | undefined): void;
  /** Adds a source that is asked whenever the metrics are read. */
  collectFrom(source: (sink: SampleSink) => void): void;
  /** All values now; those of workers add up. */
  samples(): MetricSamples;
  /** Everything in the Prometheus text format. */
  render(): string;
}

/** Metrics of one proxy, all zero. */
export function createMetrics(): ProxyMetrics {
  const routes = new Map<string, CollectedRoute>();
  const forgotten = new Set<string>();
  const counters = new Map<MetricName, Map<string, number>>();
  const expiries = new Map<string, number>();
  const sources: ((sink: SampleSink) => void)[] = [];

  function add(name: MetricName, labels: string): void {
    let family = counters.get(name);
    if (family === undefined) counters.set(name, family = new Map());
    family.set(labels, (family.get(labels) ?? 0) + 1);
  }

  function dropForgotten(): void {
    for (const key of forgotten) {
      if ((routes.get(key)?.open() ?? 0) > 0) continue;
      routes.delete(key);
      forgotten.delete(key);
    }
  }

  function samples(): MetricSamples {
    const page = createSamples();
    for (const source of sources) source(page.sink);
    for (const route of routes.values()) route.collect(page.sink);
    for (const [name, family] of counters) {
      for (const [labels, value] of family) page.sink.add(name, labels, value);
    }
    for (const [hostname, seconds] of expiries) {
      page.sink.add("mc_proxy_certificate_expiry_seconds", `{${toLabels({ hostname })}}`, seconds);
    }
    dropForgotten();
    return page.samples;
  }

  function routeOf(key: string): CollectedRoute {
    let route = routes.get(key);
    if (route === undefined) routes.set(key, route = createRouteMetrics(key));
    if (forgotten.size > 0) forgotten.delete(key);
    return route;
  }

  return {
    route: routeOf,
    request: (key, status) => routeOf(key).request(status, 0),
    forget(key) {
      if (routes.has(key)) forgotten.add(key);
      if (forgotten.size > 10_000) dropForgotten();
    },
    refused: (reason) => add("mc_proxy_refused_total", `{reason="${reason}"}`),
    blocked: (by, rule) => add("mc_proxy_blocked_total", `{${toLabels({ by, rule })}}`),
    limited: (limit) => add("mc_proxy_limited_total", `{limit="${limit}"}`),
    handshakeFailed(hostname, reason) {
      add("mc_proxy_handshake_errors_total", `{${toLabels({ hostname, reason })}}`);
    },
    count: (name, labels) => add(name, labels === undefined ? "" : `{${toLabels(labels)}}`),
    certificate(hostname, expiresAt) {
      if (expiresAt === undefined) expiries.delete(hostname);
      else expiries.set(hostname, expiresAt.getTime() / 1000);
    },
    collectFrom: (source) => void sources.push(source),
    samples,
    render: () => renderSamples(samples()),
  };
}
