import assert from "node:assert/strict";
import { test } from "node:test";
import { parseH2loadLog, parseH2loadOutput } from "./h2load-output.ts";

const output = `starting benchmark...
TLS Protocol: TLSv1.3
Application protocol: h2

finished in 1.02s, 9803.92 req/s, 10.5MB/s
requests: 10000 total, 10000 started, 10000 done, 9990 succeeded, 10 failed, 0 errored, 0 timeout
status codes: 9990 2xx, 0 3xx, 0 4xx, 10 5xx
traffic: 10.7MB (11230000) total
`;

test("parseH2loadOutput() gives counts, rate and protocol", () => {
  const summary = parseH2loadOutput(output);
  assert.deepEqual({ ...summary, text: undefined }, {
    succeeded: 9_990,
    failed: 10,
    perSecond: 9803.92,
    protocol: "h2",
    text: undefined,
  });
  assert.match(summary?.text ?? "", /^finished .*; requests: .*; status codes: /);
});

test("parseH2loadOutput() counts what errs, and not what is under way at the end", () => {
  const cut = output.replace(
    "10000 total, 10000 started, 10000 done, 9990 succeeded, 10 failed, 0 errored",
    "90 total, " +
      "99 started, 90 done, 88 succeeded, 0 failed, 2 errored",
  ).replace("9990 2xx, 0 3xx, 0 4xx, 10 5xx", "95 2xx, 1 3xx, 0 4xx, 0 5xx");
  assert.deepEqual([parseH2loadOutput(cut)?.succeeded, parseH2loadOutput(cut)?.failed], [88, 3]);
});

test("parseH2loadOutput() gives nothing for a run that did not start", () => {
  assert.equal(parseH2loadOutput("could not connect to host"), undefined);
});

test("parseH2loadLog() gives percentiles in milliseconds", () => {
  const lines = Array.from({ length: 101 }, (_, index) => `1700000000000000\t200\t${index * 1000}`);
  assert.deepEqual(parseH2loadLog(lines.join("\n") + "\n"), { p50Ms: 50, p99Ms: 99 });
});
