import { Resolver } from "node:dns/promises";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { ZoneState } from "#shared/contract/state.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import { type DnsUnderTest, startDnsPeers } from "./lib/dns-peers.ts";
import { keepFeedState } from "./lib/keep-feed-state.ts";
import { type LoadOutcome, measureLoad } from "./lib/measure-load.ts";
import { findBenchPort, outputOfLoad, requireProgram, temporaryFolder } from "./lib/processes.ts";
import type { BenchOptions } from "./lib/options.ts";
import { type BenchResult, type Figures, runPaired, toComparison } from "./lib/result.ts";
import { startOurProgram } from "./lib/start-our-program.ts";

const seconds = 4;
const hosts = 1_000;
const zoneName = "ex.test";
const metrics = { udpQueriesPerSecond: "higher", cpuUsPerUdpQuery: "lower", tcpQueriesPerSecond: "higher" } as const;

/** Authoritative answers over UDP and TCP from one zone of 1,000 hosts, 200 queries outstanding, beside Knot, BIND and NSD. */
export async function measure({ rounds }: BenchOptions): Promise<BenchResult> {
  await using stack = new AsyncDisposableStack();
  const { path: folder } = stack.use(await temporaryFolder());
  const zone = createZone();
  const queries = join(folder, "queries.txt");
  await writeFile(queries, createQueries());
  const ours = await startOurDns(folder, zone);
  stack.use(ours.server);
  const servers = [ours, ...await startDnsPeers(folder, zone, stack)];
  for (const { port } of servers) await waitForDns(port);
  const contenders = servers.map((server) => ({ name: server.name, run: () => runOnce(server, queries) }));
  const figures = await runPaired(contenders, rounds);
  return { bench: "dns", unit: "queries/s and µs", ...toComparison(figures, metrics) };
}

async function startOurDns(folder: string, zone: ZoneState): Promise<DnsUnderTest> {
  const port = await findBenchPort();
  const statePath = join(folder, "zones.state");
  await keepFeedState({ topic: "zones", schema: ZoneState, entries: { [zone.name]: zone }, statePath });
  const server = await startOurProgram("dns", folder, {
    dns: { listen: [`127.0.0.1:${port}`], state_path: statePath, upstreams: [] },
  });
  return { name: "ours", port, server };
}

async function runOnce({ name, port, server }: DnsUnderTest, queries: string): Promise<Figures> {
  const udp = await measureLoad(server, () => runDnsperf({ port, queries, mode: "udp" }));
  const tcp = await measureLoad(server, () => runDnsperf({ port, queries, mode: "tcp" }));
  process.stderr.write(`${name}: ${Math.round(udp.rate)} queries/s over UDP, ${Math.round(tcp.rate)} over TCP\n`);
  return { udpQueriesPerSecond: udp.rate, cpuUsPerUdpQuery: udp.cpuUs, tcpQueriesPerSecond: tcp.rate };
}

/**
 * Runs one load with dnsperf.
 *
 * @throws {PlatformError} upstream-failed — when more than 0.1 % was lost, or an answer was neither data nor NXDOMAIN
 */
async function runDnsperf(
  { port, queries, mode }: { readonly port: number; readonly queries: string; readonly mode: "udp" | "tcp" },
): Promise<LoadOutcome> {
  const output = await outputOfLoad(requireProgram("dnsperf", "dnsperf"), [
    ...["-s", "127.0.0.1", "-p", String(port), "-d", queries, "-m", mode],
    ...["-c", "4", "-T", "1", "-q", "200", "-l", String(seconds)],
  ]);
  const read = (pattern: RegExp) => Number(pattern.exec(output)?.[1]);
  const completed = read(/Queries completed:\s+(\d+)/);
  const codes = /Response codes:\s+(.*)/.exec(output)?.[1] ?? "none";
  const isGood = /^NOERROR \d+ \([\d.]+%\), NXDOMAIN \d+ \([\d.]+%\)$/.test(codes);
  if (!isGood || read(/Queries lost:\s+\d+ \(([\d.]+)%\)/) > 0.1) {
    const summary = output.split("\n").map((line) => line.trim()).filter((line) => /^(Queries|Response)/.test(line));
    const message = `Cannot use a run of dnsperf: queries were lost or refused: ${summary.join("; ")}`;
    throw new PlatformError("upstream-failed", message);
  }
  return { units: completed, unitsPerSecond: read(/Queries per second:\s+([\d.]+)/) };
}

async function waitForDns(port: number): Promise<void> {
  const resolver = new Resolver({ timeout: 500, tries: 1 });
  resolver.setServers([`127.0.0.1:${port}`]);
  await waitUntil(() => resolver.resolve4(hostName(0)).then(() => true, () => undefined), {
    action: `resolve a name at port ${port}`,
    timeoutMs: 15_000,
  });
}

function hostName(index: number): string {
  return `h${index}.${zoneName}`;
}

function createZone(): ZoneState {
  const addresses = Array.from({ length: hosts }, (_, index) => `192.0.2.${index % 256}`);
  const server = { name: zoneName, type: "NS", value: `ns.${zoneName}`, ttlSeconds: 300 } as const;
  const records = addresses.map((
    value,
    index,
  ) => ({ name: hostName(index), type: "A", value, ttlSeconds: 300 } as const));
  const serverAddress = { name: `ns.${zoneName}`, type: "A", value: "192.0.2.53", ttlSeconds: 300 } as const;
  return {
    name: zoneName,
    primaryServer: `ns.${zoneName}`,
    adminMailbox: `hostmaster.${zoneName}`,
    serial: 1,
    refreshSeconds: 3600,
    retrySeconds: 600,
    expireSeconds: 86_400,
    minimumSeconds: 60,
    records: [server, serverAddress, ...records],
  };
}

/** 80 % addresses that exist, 10 % of another type than the name has, 10 % names that do not exist. */
function createQueries(): string {
  const lines = Array.from({ length: hosts }, (_, index) => {
    if (index % 10 === 0) return `${hostName(index)} AAAA`;
    if (index % 10 === 1) return `no${hostName(index)} A`;
    return `${hostName(index)} A`;
  });
  return lines.join("\n") + "\n";
}
