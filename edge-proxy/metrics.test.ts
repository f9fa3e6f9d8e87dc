import assert from "node:assert/strict";
import { test } from "node:test";
import { createMetrics } from "./metrics.ts";
import { bucketBoundsMs } from "./metrics/histogram.ts";
import { mergeSamples, renderSamples } from "./metrics/samples.ts";

const lineOf = (page: string, start: string) =>
  page.split("\n").find((line) => line.startsWith(start))?.split(" ").at(-1);

test("createMetrics() counts requests, times, bytes and connections by route", () => {
  const metrics = createMetrics();
  const route = metrics.route("a.test:443");
  route.request(200, 30, 4);
  route.request(503, 200_000);
  route.bytesIn(5);
  route.bytesOut(7);
  const leave = route.connection("l7");
  route.connection("l4");
  leave();
  leave();
  const page = metrics.render();
  const value = (name: string, labels = "") => lineOf(page, `mc_proxy_${name}{route="a.test:443"${labels}}`);
  assert.equal(value("requests_total", ',status="200"'), "1");
  assert.equal(value("requests_total", ',status="503"'), "1");
  assert.equal(value("request_duration_seconds_bucket", ',le="0.025"'), "0");
  assert.equal(value("request_duration_seconds_bucket", ',le="0.05"'), "1");
  assert.equal(value("request_duration_seconds_bucket", ',le="+Inf"'), "2");
  assert.equal(value("request_duration_seconds_sum"), "200.03");
  assert.equal(value("request_first_byte_seconds_count"), "1");
  assert.equal(value("received_bytes_total"), "5");
  assert.equal(value("sent_bytes_total"), "7");
  assert.equal(value("connections_open", ',mode="l7"'), "0");
  assert.equal(value("connections_total", ',mode="l7"'), "1");
  assert.equal(value("connections_open", ',mode="l4"'), "1");
});

test("createMetrics() puts a time on a bound into its bucket", () => {
  const metrics = createMetrics();
  for (const bound of bucketBoundsMs) metrics.route("a.test:443").request(200, bound);
  const page = metrics.render();
  bucketBoundsMs.forEach((bound, index) => {
    const start = `mc_proxy_request_duration_seconds_bucket{route="a.test:443",le="${bound / 1000}"}`;
    assert.equal(lineOf(page, start), String(index + 1));
  });
});

test("createMetrics() counts refusals, blocks, limits and failed handshakes by reason, and escapes labels", () => {
  const metrics = createMetrics();
  metrics.refused("no-sni");
  metrics.blocked("country", 'X"\\\n');
  metrics.limited("connections");
  metrics.handshakeFailed("a.test", "timeout");
  metrics.count("mc_proxy_worker_restarts_total");
  metrics.certificate("a.test", new Date(5_000));
  metrics.collectFrom((sink) => sink.add("mc_proxy_workers", "", 2));
  const page = metrics.render();
  for (
    const line of [
      'mc_proxy_refused_total{reason="no-sni"} 1',
      'mc_proxy_blocked_total{by="country",rule="X\\"\\\\\\n"} 1',
      'mc_proxy_limited_total{limit="connections"} 1',
      'mc_proxy_handshake_errors_total{hostname="a.test",reason="timeout"} 1',
      "mc_proxy_worker_restarts_total 1",
      'mc_proxy_certificate_expiry_seconds{hostname="a.test"} 5',
      "mc_proxy_workers 2",
    ]
  ) assert.ok(page.includes(`\n${line}\n`), line);
});

test("createMetrics() forgets a route once its last connection has ended", () => {
  const metrics = createMetrics();
  const leave = metrics.route("a.test:443").connection("l4");
  metrics.forget("a.test:443");
  assert.match(metrics.render(), /connections_open\{route="a\.test:443",mode="l4"\} 1/);
  leave();
  metrics.render();
  assert.doesNotMatch(metrics.render(), /a\.test/);
});

test("mergeSamples() adds up what workers count", () => {
  const [one, two] = [createMetrics(), createMetrics()];
  one.route("a.test:443").request(200, 1);
  two.route("a.test:443").request(200, 1);
  two.route("b.test:443").request(404, 1);
  const page = renderSamples(mergeSamples([structuredClone(one.samples()), two.samples()]));
  assert.match(page, /requests_total\{route="a\.test:443",status="200"\} 2/);
  assert.match(page, /requests_total\{route="b\.test:443",status="404"\} 1/);
  assert.match(page, /duration_seconds_count\{route="a\.test:443"\} 2/);
});
