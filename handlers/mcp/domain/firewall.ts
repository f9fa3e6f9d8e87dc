import type { FirewallChange, FirewallPart } from "#shared/contract/edge-views.ts";
import { FirewallRules } from "#shared/contract/firewall.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";

/** What holds at a node: the lists of both parts together; of single settings the node's own, where it has one. */
export function mergeFirewall(shared: FirewallPart, own: FirewallPart): FirewallRules {
  const connectionLimit = own.connectionLimit ?? shared.connectionLimit;
  const maxConnectionsPerAddress = own.maxConnectionsPerAddress ?? shared.maxConnectionsPerAddress;
  const merged = FirewallRules.safeParse({
    blockedAddresses: union(shared.blockedAddresses, own.blockedAddresses),
    blockedCountries: union(shared.blockedCountries, own.blockedCountries),
    allowedAddresses: union(shared.allowedAddresses, own.allowedAddresses),
    shadow: own.shadow ?? shared.shadow ?? false,
    ...(connectionLimit === undefined ? {} : { connectionLimit }),
    ...(maxConnectionsPerAddress === undefined ? {} : { maxConnectionsPerAddress }),
  });
  if (merged.success) return merged.data;
  const places = merged.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw new PlatformError("conflict", `Cannot change the firewall: ${places.join("; ")}, expected fewer entries`);
}

/**
 * The part after a change, all of it or nothing.
 *
 * @throws {PlatformError} not-found — when something is taken from a list that is not on it; invalid-request — when all addresses would be
 *   refused
 */
export function applyFirewallChange(part: FirewallPart, change: FirewallChange): FirewallPart {
  const everybody = change.block.find((block) => block.endsWith("/0"));
  if (everybody !== undefined) {
    throw new PlatformError(
      "invalid-request",
      `Cannot block "${everybody}": nobody would reach the platform any more, expected a smaller block`,
    );
  }
  const { connectionLimit, maxConnectionsPerAddress, ...lists } = part;
  return {
    ...lists,
    blockedAddresses: edit(part.blockedAddresses, {
      action: "unblock",
      add: change.block.map(canonicalBlock),
      remove: change.unblock.map(canonicalBlock),
    }),
    allowedAddresses: edit(part.allowedAddresses, {
      action: "disallow",
      add: change.allow.map(canonicalBlock),
      remove: change.disallow.map(canonicalBlock),
    }),
    blockedCountries: edit(part.blockedCountries, {
      action: "unblock",
      add: change.blockCountries,
      remove: change.unblockCountries,
    }),
    shadow: change.shadow === undefined ? part.shadow : change.shadow,
    ...setting("connectionLimit", connectionLimit, change.connectionLimit),
    ...setting("maxConnectionsPerAddress", maxConnectionsPerAddress, change.maxConnectionsPerAddress),
  };
}

function setting<K extends string, T>(key: K, before: T | undefined, change: T | null | undefined): { [P in K]?: T } {
  const value = change === undefined ? before : change ?? undefined;
  const result: { [P in K]?: T } = {};
  if (value !== undefined) result[key] = value;
  return result;
}

interface Edit {
  /** What taking away is called. */
  readonly action: string;
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

function edit(list: readonly string[], { action, add, remove }: Edit): string[] {
  const missing = remove.find((entry) => !list.includes(entry));
  if (missing !== undefined) {
    throw new PlatformError(
      "not-found",
      `Cannot ${action} "${missing}": it is not on the list, expected ${
        list.length === 0 ? "an entry of it, which is empty" : `one of: ${list.slice(0, 10).join(", ")}`
      }`,
    );
  }
  return union(list.filter((entry) => !remove.includes(entry)), add);
}

/** One text for each address: IPv6 as RFC 5952 writes it. */
function canonicalBlock(block: string): string {
  if (!block.includes(":")) return block;
  const [address = "", length] = block.split("/");
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
  return length === undefined ? canonical : `${canonical}/${length}`;
}

function union(one: readonly string[], other: readonly string[]): string[] {
  return [...new Set([...one, ...other])];
}
