import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { corpus } from "../http/corpus.ts";
import { proxyRules } from "./rules.ts";

const root = join(import.meta.dirname, "../../..");
/** The ids at the start of a string: `"S1: …"`, `"H4, S8: …"`, in tests and in the tables that they are made of. */
const namedIds = /["'`]((?:(?:H|S|LIM|T|G|W|P|X|D)\d+(?:, )?)+): /g;

async function readSources(folder: string, isWanted: (path: string) => boolean): Promise<string[]> {
  const entries = await readdir(join(root, folder), { recursive: true });
  const paths = entries.filter((path) => path.endsWith(".ts") && isWanted(path));
  return await Promise.all(paths.map((path) => readFile(join(root, folder, path), "utf8")));
}

async function testedIds(): Promise<Set<string>> {
  const isTest = (path: string) => path.endsWith(".test.ts");
  const sources = [...await readSources("edge-proxy", isTest), ...await readSources("tests/conformance", isTest)];
  const named = sources.flatMap((text) => [...text.matchAll(namedIds)].flatMap(([, ids = ""]) => ids.split(", ")));
  return new Set([...named, ...Object.values(corpus).flat().map(({ rule }) => rule)]);
}

test("every rule of the proxy has a test with its id, or a reason why not", async () => {
  const tested = await testedIds();
  const missing = proxyRules.filter(({ id, untested }) => untested === undefined && !tested.has(id));
  assert.deepEqual(missing.map(({ id, says }) => `${id}: ${says}`), []);
  const excused = proxyRules.filter(({ id, untested }) => untested !== undefined && tested.has(id));
  assert.deepEqual(excused.map(({ id }) => `${id} has a test, and a reason for none`), []);
});

test("every id in the name of a test is that of a rule, and ids are given once", async () => {
  const ids = proxyRules.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  assert.deepEqual([...await testedIds()].filter((id) => !ids.includes(id)), []);
});

test("D7: no process hands its connections to others: node:cluster is used nowhere", async () => {
  const sources = await readSources("edge-proxy", (path) => !path.endsWith(".test.ts"));
  assert.deepEqual(sources.filter((text) => /["']node:cluster["']/.test(text)), []);
});
