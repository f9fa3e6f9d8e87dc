import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import type { Target } from "../../../edge-proxy/testing/test-client.ts";
import { type ConformanceCase, sentinel } from "./conformance-case.ts";
import { exchangeRaw, type RawExchange, readAnswers } from "./raw-exchange.ts";
import type { RecordingBackend } from "./recording-backend.ts";

const timeoutMs = 15_000;

/** Where a case is sent, and how. */
export interface CaseSetting {
  readonly target: Target;
  readonly backend: RecordingBackend;
  /** Bytes of a TLS record; all at once unless given. */
  readonly pieceBytes?: number;
}

/** Sends a case and asserts that everything is as it says. */
export async function checkCase(setting: CaseSetting, expected: ConformanceCase): Promise<void> {
  const { target, backend, pieceBytes } = setting;
  backend.begin(expected);
  const bytes = expected.isAlone === true ? expected.bytes : expected.bytes + sentinel;
  const exchange = await exchangeRaw(target, bytes, { timeoutMs, pieceBytes });
  // What the proxy sent the backend before it answered is in that socket already, but may not have been read.
  await setImmediate();
  await setImmediate();
  checkAnswers(exchange, expected);
  checkBackend(backend.seen(), expected);
}

function checkAnswers({ text, isClosed }: RawExchange, expected: ConformanceCase): void {
  const { closes = false, gives = [], withholds = [] } = expected;
  const answers = readAnswers(text, expected.bytes.split(" ", 1)[0] ?? "");
  const complete = answers.filter(({ isComplete }) => isComplete).map(({ status }) => status);
  const wanted = expected.isCut === true ? expected.answers.slice(0, -1) : expected.answers;
  assert.deepEqual(complete, closes ? wanted : [...wanted, 200], text);
  assert.ok(isClosed, `the connection stays open after: ${text}`);
  assert.ok(answers.length <= expected.answers.length + (closes ? 0 : 1), text);
  for (const part of gives) assert.ok(text.includes(part), `${JSON.stringify(part)} is missing in: ${text}`);
  for (const part of withholds) assert.ok(!text.includes(part), `${JSON.stringify(part)} is in: ${text}`);
}

function checkBackend(seen: string, expected: ConformanceCase): void {
  const { sees = [], hides = [] } = expected;
  for (const part of sees) {
    assert.ok(seen.includes(part), `the backend does not see ${JSON.stringify(part)} in: ${seen}`);
  }
  for (const part of hides) assert.ok(!seen.includes(part), `the backend sees ${JSON.stringify(part)} in: ${seen}`);
  if (isRefused(expected)) assert.equal(seen, "", "the backend sees a refused request");
  // Behind a 101 everything is the tunnel's.
  if (expected.answers.includes(101)) return;
  if (expected.closes === true) assert.ok(!seen.includes("/sentinel"), "a request behind the end was served");
  for (const head of headsOf(seen)) checkHead(head);
}

function isRefused({ answers: [first = 0, ...others], closes = false, begins = false }: ConformanceCase): boolean {
  return closes && first >= 400 && others.length === 0 && !begins;
}

/** The heads that the backend saw, without those that are in a body on purpose. */
function headsOf(seen: string): string[] {
  return [...seen.matchAll(/^[A-Z-]+ \S+ HTTP\/1\.1\r\n(?:.+\r\n)+\r\n/gm)].map(([head]) => head)
    .filter((head) => !head.includes("/smuggled"));
}

/** S12: what is forwarded has one Host, one framing, and no loose line breaks. */
function checkHead(head: string): void {
  assert.equal(head.match(/^host:/gim)?.length, 1, head);
  assert.ok((head.match(/^(content-length|transfer-encoding):/gim)?.length ?? 0) <= 1, head);
  assert.doesNotMatch(head.replaceAll("\r\n", ""), /[\r\n\0]/);
  assert.match(head, /^via: /im);
}
