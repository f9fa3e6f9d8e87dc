import assert from "node:assert/strict";
import { test } from "node:test";
import { findType, rcodeToText } from "../wire/codes.ts";
import { nameFromText, nameToText, toNameKey } from "../wire/name.ts";
import type { ResourceRecord } from "../wire/record.ts";
import { typeToText } from "../wire/codes.ts";
import { exampleZones, exampleZoneState } from "../testing/example-zone.ts";
import { answerQuery, findOpenTarget } from "./answer-query.ts";
import type { ZoneSet } from "./zone.ts";

const toText = (records: readonly ResourceRecord[]) =>
  records.map(({ name, type }) => `${nameToText(name)}/${typeToText(type)}`).join(" ");

/** The answer in one line: rcode, flags, answers | authority | additional. */
function ask(question: string, zones: ZoneSet = exampleZones()): string | undefined {
  const [name = "", type = ""] = question.split(" ");
  const answer = answerQuery(zones, { key: toNameKey(nameFromText(name)), type: findType(type) ?? 0 });
  if (answer === undefined) return undefined;
  const sections = [answer.answers, answer.authority, answer.additional].map(toText).join(" | ");
  return `${rcodeToText(answer.rcode)}${answer.authoritative ? " aa" : ""} ${sections}`.trim();
}

const soa = "ex.test/SOA";

test("answerQuery() gives each question the answer of RFC 1034 §4.3.2", () => {
  const table: Record<string, string | undefined> = {
    "www.ex.test A": "NOERROR aa www.ex.test/A |  |",
    "WWW.EX.TEST AAAA": "NOERROR aa www.ex.test/AAAA |  |",
    "www.ex.test TXT": `NOERROR aa  | ${soa} |`,
    "nothing.ex.test A": `NXDOMAIN aa  | ${soa} |`,
    "below.www.ex.test A": `NXDOMAIN aa  | ${soa} |`,
    // An empty non-terminal exists (RFC 8020 §2).
    "ent.ex.test A": `NOERROR aa  | ${soa} |`,
    "ent.ex.test ANY": `NOERROR aa  | ${soa} |`,
    "ex.test SOA": `NOERROR aa ${soa} |  |`,
    "ex.test NS": "NOERROR aa ex.test/NS |  |",
    "ex.test A": `NOERROR aa  | ${soa} |`,
    "www.ex.test ANY": "NOERROR aa www.ex.test/A |  |",
    "alias.ex.test A": "NOERROR aa alias.ex.test/CNAME chain.ex.test/CNAME www.ex.test/A |  |",
    "alias.ex.test CNAME": "NOERROR aa alias.ex.test/CNAME |  |",
    "alias.ex.test ANY": "NOERROR aa alias.ex.test/CNAME |  |",
    "alias.ex.test TXT": `NOERROR aa alias.ex.test/CNAME chain.ex.test/CNAME | ${soa} |`,
    // The rcode is that of the chain's last name (RFC 6604 §3).
    "dangling.ex.test A": `NXDOMAIN aa dangling.ex.test/CNAME | ${soa} |`,
    "loop1.ex.test A": "SERVFAIL  |  |",
    "out.ex.test A": "NOERROR aa out.ex.test/CNAME |  |",
    "a.wild.ex.test A": "NOERROR aa a.wild.ex.test/A |  |",
    "a.b.wild.ex.test A": "NOERROR aa a.b.wild.ex.test/A |  |",
    "a.wild.ex.test TXT": `NOERROR aa  | ${soa} |`,
    "*.wild.ex.test A": "NOERROR aa *.wild.ex.test/A |  |",
    // An existing name blocks the wildcard, for itself and below it (RFC 4592 §2.2.1).
    "host.wild.ex.test A": `NOERROR aa  | ${soa} |`,
    "below.host.wild.ex.test A": `NXDOMAIN aa  | ${soa} |`,
    // The wildcard itself is an empty non-terminal here.
    "x.half.ex.test A": `NOERROR aa  | ${soa} |`,
    "x.alias.ex.test A": "NOERROR aa x.alias.ex.test/CNAME www.ex.test/A |  |",
    "sub.ex.test NS": "NOERROR  | sub.ex.test/NS sub.ex.test/NS | ns.sub.ex.test/A",
    "deep.host.sub.ex.test A": "NOERROR  | sub.ex.test/NS sub.ex.test/NS | ns.sub.ex.test/A",
    "ns.sub.ex.test A": "NOERROR  | sub.ex.test/NS sub.ex.test/NS | ns.sub.ex.test/A",
    "sub.ex.test DS": `NOERROR aa  | ${soa} |`,
    "into.ex.test A": "NOERROR aa into.ex.test/CNAME | sub.ex.test/NS sub.ex.test/NS | ns.sub.ex.test/A",
    "example.org A": undefined,
    "test A": undefined,
    "badex.test A": undefined,
  };
  for (const [question, expected] of Object.entries(table)) assert.equal(ask(question), expected, question);
});

test("answerQuery() takes the zone with the longest name, and the parent for DS", () => {
  const inner = exampleZoneState({ name: "wild.ex.test", serial: 9, records: [] });
  const zones = exampleZones([exampleZoneState(), inner]);
  assert.equal(ask("a.wild.ex.test A", zones), "NXDOMAIN aa  | wild.ex.test/SOA |");
  assert.equal(ask("wild.ex.test DS", zones), `NOERROR aa  | ${soa} |`);
  assert.equal(ask("wild.ex.test DS", exampleZones([inner])), "NOERROR aa  | wild.ex.test/SOA |");
});

test("answerQuery() gives up on a chain of more than 12 aliases", () => {
  const records = Array.from({ length: 14 }, (_, index) => ({
    name: `c${index}.ex.test`,
    type: "CNAME" as const,
    value: `c${index + 1}.ex.test`,
    ttlSeconds: 60,
  }));
  const zones = exampleZones([exampleZoneState({ records })]);
  assert.equal(ask("c0.ex.test A", zones), "SERVFAIL  |  |");
  assert.match(ask("c2.ex.test A", zones) ?? "", /^NXDOMAIN/);
});

test("answerQuery() sends the SOA of negative answers with TTL min(SOA TTL, MINIMUM)", () => {
  const negative = (minimumSeconds: number) =>
    answerQuery(exampleZones([exampleZoneState({ minimumSeconds })]), {
      key: toNameKey(nameFromText("no.ex.test")),
      type: 1,
    })?.authority[0]?.ttlSeconds;
  assert.equal(negative(30), 30);
  assert.equal(negative(86_400), 3600);
});

test("findOpenTarget() names where a chain leaves our zones", () => {
  const target = (name: string, type: string) => {
    const question = { key: toNameKey(nameFromText(name)), type: findType(type) ?? 0 };
    const answer = answerQuery(exampleZones(), question);
    return answer === undefined ? undefined : findOpenTarget(answer, question);
  };
  assert.equal(target("out.ex.test", "A"), toNameKey(nameFromText("www.example.org")));
  assert.equal(target("out.ex.test", "CNAME"), undefined);
  assert.equal(target("alias.ex.test", "A"), undefined);
  assert.equal(target("dangling.ex.test", "A"), undefined);
});
