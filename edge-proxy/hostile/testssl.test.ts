import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { z } from "zod";
import { createTemporaryFolder } from "#shared/store/temporary-folder.ts";
import { isHttp2Offered } from "../http2/is-http2-offered.ts";
import { backendAt, openTestProxy, routeTo } from "../testing/open-test-proxy.ts";
import { createTestAuthority } from "../testing/test-authority.ts";
import { startHttpBackend } from "../testing/test-backend.ts";

const Finding = z.object({ id: z.string(), severity: z.string(), finding: z.string() });
type Finding = z.infer<typeof Finding>;

const skip = spawnSync("testssl", ["--version"]).error === undefined ? false : "testssl (testssl.sh) is not installed";

/** What is above LOW, and why that is not the proxy's doing. */
const excused: Readonly<Record<string, string>> = {
  engine_problem: "the openssl of the machine lacks an engine that testssl likes to have",
  cert_revocation: "certificates live for days and have neither CRL nor OCSP (X9)",
};

interface Scan {
  readonly port: number;
  readonly folder: string;
  readonly rootPem: string;
}

/** How often a run is repeated in which testssl.sh could not do one of its checks: its own client is gone too early now and then. */
const maxRuns = 3;

/** The findings of a run of testssl.sh that did all of its checks, or of the last one. */
async function scan(target: Scan, name: string, ...flags: string[]): Promise<Finding[]> {
  let findings: Finding[] = [];
  for (let run = 1; run <= maxRuns; run += 1) {
    findings = await scanOnce(target, `${name}-${run}`, ...flags);
    if (!findings.some(({ severity, finding }) => severity === "WARN" && finding.includes("connect problem"))) break;
  }
  return findings;
}

/** The findings of one run. */
async function scanOnce({ port, folder, rootPem }: Scan, name: string, ...flags: string[]): Promise<Finding[]> {
  const [jsonFile, rootFile] = [join(folder, `${name}.json`), join(folder, `${name}.pem`)];
  await writeFile(rootFile, rootPem);
  const common = ["--quiet", "--color", "0", "--warnings", "off", "--ip", "one", "--add-ca", rootFile];
  const program = spawn("testssl", [...common, "--jsonfile", jsonFile, ...flags, `localhost:${port}`], {
    stdio: "ignore",
  });
  await once(program, "close");
  return z.array(Finding).parse(JSON.parse(await readFile(jsonFile, "utf8")));
}

test("X6: testssl.sh finds TLS 1.3 alone, and nothing above LOW", { skip, timeout: 300_000 }, async (t) => {
  await using folder = await createTemporaryFolder();
  await using backend = await startHttpBackend((_request, response) => void response.end("ok"));
  const authority = await createTestAuthority();
  // It warns of certificates that end within a month.
  const notAfter = new Date(Date.now() + 89 * 86_400_000);
  await using fixture = await openTestProxy({
    authority,
    certificates: { obtain: (_hostname, csrPem) => authority.sign(csrPem, { notAfter }) },
    // Some of its tests send no name.
    settings: { defaultHostname: "localhost" },
  });
  await fixture.serve(routeTo("localhost", "l7", backendAt(backend.port)));
  const target = { port: fixture.proxy.port, folder: folder.path, rootPem: authority.rootPem };
  const startedAt = performance.now();
  const findings = (await Promise.all([
    scan(target, "protocols", "--protocols", "--server-defaults"),
    scan(target, "vulnerabilities", "--vulnerable"),
  ])).flat();
  t.diagnostic(`${findings.length} findings after ${Math.round((performance.now() - startedAt) / 1000)} s`);
  const found = (id: string) => findings.find((finding) => finding.id === id)?.finding;
  for (const old of ["SSLv2", "SSLv3", "TLS1", "TLS1_1", "TLS1_2"]) assert.equal(found(old), "not offered", old);
  assert.match(found("TLS1_3") ?? "", /^offered/);
  assert.equal(found("ALPN_HTTP2"), isHttp2Offered() ? "h2" : undefined);
  assert.equal(found("heartbleed"), "not vulnerable, no heartbeat extension");
  const bad = findings.filter(({ id, severity }) => !["OK", "INFO", "LOW"].includes(severity) && !(id in excused));
  assert.deepEqual(bad, [], JSON.stringify(bad));
});
