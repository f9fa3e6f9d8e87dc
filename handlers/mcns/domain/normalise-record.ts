import { isIPv4, isIPv6 } from "node:net";
import type { RecordType, ZoneRecord } from "#shared/contract/state.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";

/** Labels as host names have them, and `_` as services use it (RFC 8552); a wildcard only in front (RFC 4592). */
const ownerPattern = /^(\*\.)?[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/;
const maxNameLength = 253;

/**
 * The record in the one form that is stored: names in lower case without a trailing dot, IPv6 addresses as RFC 5952 writes them.
 * Equal records are then equal texts.
 *
 * @throws {PlatformError} invalid-request — when the name is outside the zone, or the value is not what the type needs
 */
export function normaliseRecord(record: ZoneRecord, zone: string): ZoneRecord {
  const name = toName(record.name);
  if (name !== zone && !name.endsWith(`.${zone}`)) {
    throw refused(record, `its name is outside the zone, expected it to end with ".${zone}"`);
  }
  if (!isName(name)) throw refused(record, "its name is not valid, expected labels of letters, digits, '-' and '_'");
  if (record.type === "CNAME" && name === zone) {
    throw refused(record, "the zone's own name cannot be an alias (RFC 1912 §2.4)");
  }
  const value = normaliseValue(record);
  if (record.type === "CNAME" && value === name) throw refused(record, "it is an alias of itself");
  return { name, type: record.type, value, ttlSeconds: record.ttlSeconds };
}

function normaliseValue(record: ZoneRecord): string {
  const normalised = valueRules[record.type](record.value);
  if (normalised === undefined) {
    throw refused(record, `"${record.value}" is not valid, expected ${expectations[record.type]}`);
  }
  return normalised;
}

const valueRules: Readonly<Record<RecordType, (value: string) => string | undefined>> = {
  A: (value) => isIPv4(value) ? value : undefined,
  AAAA: (value) =>
    isIPv6(value) && !value.includes("%") ? new URL(`http://[${value}]`).hostname.slice(1, -1) : undefined,
  CNAME: toTarget,
  NS: toTarget,
};

const expectations: Readonly<Record<RecordType, string>> = {
  A: "an IPv4 address",
  AAAA: "an IPv6 address",
  CNAME: "a host name",
  NS: "a host name",
};

function toTarget(value: string): string | undefined {
  const target = toName(value);
  return isName(target) && !target.startsWith("*") ? target : undefined;
}

function toName(text: string): string {
  return text.toLowerCase().replace(/\.$/, "");
}

function isName(name: string): boolean {
  return name.length <= maxNameLength && ownerPattern.test(name);
}

function refused(record: ZoneRecord, why: string): PlatformError {
  return new PlatformError("invalid-request", `Cannot use the record "${record.name} ${record.type}": ${why}`);
}
