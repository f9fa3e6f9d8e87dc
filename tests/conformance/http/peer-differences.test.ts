import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { createTemporaryFolder } from "#shared/store/temporary-folder.ts";
import { createTestAuthority } from "../../../edge-proxy/testing/test-authority.ts";
import type { Target } from "../../../edge-proxy/testing/test-client.ts";
import { caseHost, type ConformanceCase, sentinel } from "./conformance-case.ts";
import { corpus } from "./corpus.ts";
import { type Peer, type PeerOptions, startHaproxyPeer, startNginxPeer } from "./peers.ts";
import { exchangeRaw, readAnswers } from "./raw-exchange.ts";
import { type RecordingBackend, startRecordingBackend } from "./recording-backend.ts";

/** Peers wait for what never comes; ours must not. */
const timeoutMs = 1_500;
const starters: Readonly<Record<string, (options: PeerOptions) => Promise<Peer | undefined>>> = {
  nginx: startNginxPeer,
  haproxy: startHaproxyPeer,
};

for (const [name, start] of Object.entries(starters)) {
  test(`HTTP/1.1 corpus: what ${name} does otherwise`, { timeout: 300_000 }, async (t) => {
    await using folder = await createTemporaryFolder();
    await using backend = await startRecordingBackend();
    const authority = await createTestAuthority();
    const material = await authority.issue(caseHost);
    await using peer = await start({ folder: folder.path, backendPort: backend.port, material });
    if (peer === undefined) {
      t.skip(`${name} is not installed: apt-get install ${name}`);
      return;
    }
    const target = { port: peer.port, rootPem: authority.rootPem, hostname: caseHost };
    const lines: string[] = [];
    for (const expected of Object.values(corpus).flat()) {
      const ours = describe(expected.answers, expected.closes === true);
      const theirs = await observe(target, backend, expected);
      if (theirs !== ours) {
        lines.push(`${expected.rule.padEnd(5)} ${ours.padEnd(18)} ${theirs.padEnd(30)} ${expected.name}`);
      }
    }
    // A report: what a peer does is its own affair.
    process.stdout.write(
      `\n${"rule".padEnd(5)} ${"mc-proxy".padEnd(18)} ${name.padEnd(30)} case\n${lines.join("\n")}\n`,
    );
    process.stdout.write(`${lines.length} of ${Object.values(corpus).flat().length} cases differ at ${name}\n\n`);
    const plain = corpus["framing"]?.find(({ name }) => name === "one Content-Length");
    assert.ok(plain !== undefined);
    assert.equal(await observe(target, backend, plain), "200 stays", `${name} serves a sound request`);
  });
}

async function observe(target: Target, backend: RecordingBackend, expected: ConformanceCase): Promise<string> {
  backend.begin(expected);
  const bytes = expected.isAlone === true ? expected.bytes : expected.bytes + sentinel;
  const { text, isClosed } = await exchangeRaw(target, bytes, { timeoutMs });
  await setImmediate();
  const statuses = readAnswers(text, expected.bytes.split(" ", 1)[0] ?? "").map(({ status }) => status);
  const seen = backend.seen();
  const servesRest = seen.includes("GET /smuggled") &&
    expected.hides?.some((part) => part.endsWith("/smuggled")) === true;
  const wasServed = seen.includes("GET /sentinel") && isClosed && statuses.at(-1) === 200 && statuses.length > 1;
  const summary = isClosed
    ? describe(wasServed ? statuses.slice(0, -1) : statuses, !wasServed)
    : `${statuses.join(" ")} waits`;
  return servesRest ? `${summary}, serves what follows` : summary;
}

function describe(statuses: readonly number[], closes: boolean): string {
  return `${statuses.join(" ") || "nothing"} ${closes ? "closes" : "stays"}`;
}
