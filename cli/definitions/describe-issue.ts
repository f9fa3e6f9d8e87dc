import type { z } from "zod";
import type { TomlPath } from "./locate-line.ts";
import { valueAt } from "./schema-walk.ts";
import { didYouMean } from "../render/did-you-mean.ts";

/** Longest value that a message repeats, in characters. */
const maxValueLength = 80;

/** One thing wrong with a document: where, what is there, and what was expected. */
export interface Finding {
  readonly path: TomlPath;
  readonly message: string;
}

/** What an issue of the schema means to the author of the document; an issue about unknown fields gives one finding each. */
export function describeIssue(issue: z.core.$ZodIssue, document: unknown, knownFields: readonly string[]): Finding[] {
  const path = issue.path.filter((step) => typeof step !== "symbol");
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      path: [...path, key],
      message: `is not a field, ${didYouMean(key, knownFields)}expected one of: ${knownFields.join(", ")}`,
    }));
  }
  return [{ path, message: toMessage(issue, valueAt(document, path)) }];
}

function toMessage(issue: z.core.$ZodIssue, value: unknown): string {
  if (value === undefined && issue.code !== "custom") return `is missing, expected ${expectedOf(issue)}`;
  // Hand-written messages repeat the value themselves.
  return issue.code === "custom" ? lowerFirst(issue.message) : `is ${showValue(value)}, expected ${expectedOf(issue)}`;
}

function expectedOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return withArticle(issue.expected);
    case "invalid_value":
      return issue.values.map((value) => JSON.stringify(value)).join(" or ");
    case "too_small":
      return `at least ${issue.minimum}${unitOf(issue.origin, issue.minimum)}`;
    case "too_big":
      return `at most ${issue.maximum}${unitOf(issue.origin, issue.maximum)}`;
    default:
      return issue.message.replace(/^[^:]*: /, "").replace(/^expected /i, "").replace(/^must /, "a value that must ");
  }
}

function unitOf(origin: string, count: number | bigint): string {
  const isOne = Number(count) === 1;
  if (origin === "string") return isOne ? " character" : " characters";
  return origin === "array" ? (isOne ? " entry" : " entries") : "";
}

function withArticle(type: string): string {
  const noun = { int: "whole number", array: "list", object: "table", record: "table" }[type] ?? type;
  return /^[aeiou]/.test(noun) ? `an ${noun}` : `a ${noun}`;
}

function showValue(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= maxValueLength ? text : `${text.slice(0, maxValueLength)}…`;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
