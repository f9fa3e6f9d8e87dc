import type { Fields } from "../l7/streams.ts";
import { internName, isToken } from "./field-names.ts";
import { toTokens } from "./framing-values.ts";

/** What the `Connection` fields of a message say (RFC 9110 §7.6.1). */
export interface ConnectionOptions {
  closes: boolean;
  keepsAlive: boolean;
  upgrades: boolean;
  /** Lower-case names of further fields that end here. */
  named: string[] | undefined;
}

/** Says nothing yet. */
export function createConnectionOptions(): ConnectionOptions {
  return { closes: false, keepsAlive: false, upgrades: false, named: undefined };
}

/** Adds what one `Connection` field says. */
export function addConnectionOptions(options: ConnectionOptions, value: string): void {
  if (value === "keep-alive") {
    options.keepsAlive = true;
    return;
  }
  for (const token of toTokens(value)) {
    if (token === "close") options.closes = true;
    else if (token === "keep-alive") options.keepsAlive = true;
    else if (token === "upgrade") options.upgrades = true;
    else (options.named ??= []).push(token);
  }
}

/** Whether the connection stays open after the message (RFC 9112 §9.3). */
export function isPersistent(options: ConnectionOptions, version: "1.0" | "1.1"): boolean {
  return !options.closes && (version === "1.1" || options.keepsAlive);
}

/** The fields without those that `Connection` names. */
export function withoutNamed(fields: Fields, options: ConnectionOptions): Fields {
  const { named } = options;
  if (named === undefined) return fields;
  const kept: string[] = [];
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] ?? "";
    if (!named.includes(internName(name).lower)) kept.push(name, fields[index + 1] ?? "");
  }
  return kept;
}

/** The one protocol that an upgrade asks for, in lower case (RFC 9110 §7.8); never `h2c`, which HTTP/2 no longer has (RFC 9113 §3.1). */
export function toUpgrade(options: ConnectionOptions, value: string): string | undefined {
  if (!options.upgrades || value === "") return undefined;
  const [protocol = "", ...others] = toTokens(value);
  return others.length === 0 && isToken(protocol) && protocol !== "h2c" ? protocol : undefined;
}
