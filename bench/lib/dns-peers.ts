import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ZoneState } from "#shared/contract/state.ts";
import { type Background, cores, findBenchPort, findPeer, startBackground } from "./processes.ts";

/** A DNS server that a benchmark drives. */
export interface DnsUnderTest {
  readonly name: string;
  readonly port: number;
  readonly server: Background;
}

interface PeerSetup {
  readonly program: string;
  readonly aptPackage: string;
  readonly configName: string;
  readonly config: (port: number, zone: string) => string;
  readonly args: readonly string[];
}

/** One worker each, no logging of queries, no rate limit (NSD has one unless told), the zone from a file. */
const setups: Readonly<Record<string, PeerSetup>> = {
  knot: {
    program: "knotd",
    aptPackage: "knot",
    configName: "knot.conf",
    config: (port, zone) =>
      `server:
  listen: 127.0.0.1@${port}
  rundir: .
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
database:
  storage: .
zone:
  - domain: ${zone}
    storage: .
    file: ${zone}.zone
`,
    args: ["-c", "knot.conf"],
  },
  bind9: {
    program: "named",
    aptPackage: "bind9",
    configName: "named.conf",
    config: (port, zone) =>
      `options {
  directory "."; listen-on port ${port} { 127.0.0.1; }; listen-on-v6 { none; };
  recursion no; pid-file "named.pid"; session-keyfile "named.key"; check-names primary ignore;
};
zone "${zone}" { type primary; file "${zone}.zone"; };
controls { };
`,
    // In the foreground with its log in a file: `-g` would write it to stderr.
    args: ["-f", "-n", "1", "-c", "named.conf", "-L", "named.log"],
  },
  nsd: {
    program: "nsd",
    aptPackage: "nsd",
    configName: "nsd.conf",
    config: (port, zone) =>
      `server:
  ip-address: 127.0.0.1@${port}
  username: ""
  chroot: ""
  zonesdir: "."
  database: ""
  pidfile: "nsd.pid"
  xfrdfile: "xfrd"
  zonelistfile: "zonelist"
  logfile: "nsd.log"
  server-count: 1
  rrl-ratelimit: 0
remote-control:
  control-enable: no
zone:
  name: ${zone}
  zonefile: ${zone}.zone
`,
    args: ["-d", "-c", "nsd.conf"],
  },
};

/** Starts every installed peer on the same zone; disposing `processes` ends them. */
export async function startDnsPeers(
  folder: string,
  zone: ZoneState,
  processes: AsyncDisposableStack,
): Promise<DnsUnderTest[]> {
  const started: DnsUnderTest[] = [];
  for (const [name, setup] of Object.entries(setups)) {
    const path = findPeer(setup.program, setup.aptPackage);
    if (path === undefined) continue;
    const cwd = join(folder, name);
    const port = await findBenchPort();
    await mkdir(cwd);
    await writeFile(join(cwd, `${zone.name}.zone`), toZoneFile(zone));
    await writeFile(join(cwd, setup.configName), setup.config(port, zone.name));
    const server = processes.use(startBackground(path, setup.args, { cwd, core: cores.server }));
    started.push({ name, port, server });
  }
  return started;
}

/** The zone in the format of RFC 1035 §5. */
function toZoneFile(zone: ZoneState): string {
  const timers = [zone.serial, zone.refreshSeconds, zone.retrySeconds, zone.expireSeconds, zone.minimumSeconds];
  const soa = `${zone.name}. ${zone.minimumSeconds} IN SOA ${zone.primaryServer}. ${zone.adminMailbox}. ${
    timers.join(" ")
  }`;
  const records = zone.records.map(({ name, type, value, ttlSeconds }) =>
    `${name}. ${ttlSeconds} IN ${type} ${type === "NS" || type === "CNAME" ? `${value}.` : value}`
  );
  return [soa, ...records].join("\n") + "\n";
}
