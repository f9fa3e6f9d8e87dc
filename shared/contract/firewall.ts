/** What the proxies' firewall judges each connection by, the same for all of them. */
import { z } from "zod";
import { AddressBlock } from "./route.ts";

/** A country by its ISO 3166-1 alpha-2 code, as MaxMind databases name it. */
export const CountryCode = z.string().regex(/^[A-Z]{2}$/, "expected two capital letters, such as DE");

/**
 * The firewall of the proxies. Feed topic `firewall`, key `rules`. Judged in this order: allowed addresses pass everything here, then
 * the blocked ones are refused, then the limits count.
 */
export const FirewallRules = z.object({
  /** Addresses and CIDR blocks that are refused. */
  blockedAddresses: z.array(AddressBlock).max(50_000).default([]),
  /** Countries that are refused; without a country database of the proxy nothing is. */
  blockedCountries: z.array(CountryCode).max(250).default([]),
  /** Addresses and CIDR blocks that are never refused and never limited. */
  allowedAddresses: z.array(AddressBlock).max(10_000).default([]),
  /** Only counts what would be refused. */
  shadow: z.boolean().default(false),
  /** New connections of one client within a sliding window; a client is an IPv4 address or an IPv6 /64. */
  connectionLimit: z.object({
    count: z.int().min(1).max(1_000_000),
    windowSeconds: z.int().min(1).max(86_400),
  }).optional(),
  /** Open connections of one client. */
  maxConnectionsPerAddress: z.int().min(1).max(1_000_000).optional(),
});
/** The firewall of the proxies. */
export type FirewallRules = z.infer<typeof FirewallRules>;

/** The firewall that refuses nobody. */
export const openFirewall: FirewallRules = FirewallRules.parse({});
