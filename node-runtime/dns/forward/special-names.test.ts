import assert from "node:assert/strict";
import { test } from "node:test";
import { findType, rcodeToText } from "../wire/codes.ts";
import { nameFromText, toNameKey } from "../wire/name.ts";
import { answerSpecialName } from "./special-names.ts";

test("answerSpecialName() keeps local names from the public DNS", () => {
  const table: Record<string, string> = {
    "localhost A": "NOERROR 7f000001",
    "x.LocalHost AAAA": "NOERROR 00000000000000000000000000000001",
    "localhost TXT": "NOERROR",
    "a.test A": "NXDOMAIN",
    "x.invalid A": "NXDOMAIN",
    "abc.onion A": "NXDOMAIN",
    "printer.local A": "NXDOMAIN",
    "printer A": "NXDOMAIN",
    "1.0.0.10.in-addr.arpa PTR": "NXDOMAIN",
    "1.1.31.172.in-addr.arpa PTR": "NXDOMAIN",
    "1.1.127.100.in-addr.arpa PTR": "NXDOMAIN",
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa PTR": "NXDOMAIN",
    "1.1.32.172.in-addr.arpa PTR": "forward",
    "8.8.8.8.in-addr.arpa PTR": "forward",
    "example.org A": "forward",
    "test.example.org A": "forward",
    "org DS": "forward",
    ". NS": "forward",
  };
  for (const [question, expected] of Object.entries(table)) {
    const [name = "", type = ""] = question.split(" ");
    const answer = answerSpecialName({ key: toNameKey(nameFromText(name)), type: findType(type) ?? 0 });
    const data = answer?.answers.map(({ rdata }) =>
      ` ${[...rdata].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`
    ).join("");
    assert.equal(answer === undefined ? "forward" : rcodeToText(answer.rcode) + data, expected, question);
  }
});
