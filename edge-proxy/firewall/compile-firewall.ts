import type { FirewallRules } from "#shared/contract/firewall.ts";
import { parseAddress } from "./address.ts";
import { createBlockSet } from "./block-set.ts";
import type { HitCounters } from "./hit-counters.ts";

/** Which rule refuses an address. */
export interface BlockReason {
  readonly kind: "address" | "country";
  /** The block or country as the rules name it. */
  readonly rule: string;
}

/** What the rules say of one address. */
export type FirewallOpinion =
  | { readonly kind: "none" }
  | { readonly kind: "allowed"; readonly rule: string }
  | { readonly kind: "blocked"; readonly reason: BlockReason };

/** The rules in a form that judges at once. */
export interface Firewall {
  /** Why `address` is refused; counts it. In shadow mode it is counted only. */
  judge(address: string): BlockReason | undefined;
  /** What the rules say of `address`, shadow mode or not; counts nothing. */
  explain(address: string): FirewallOpinion;
}

/** What {@link compileFirewall} needs besides the rules. */
export interface FirewallSources {
  /** Country of an address as in {@link FirewallRules}; nobody is blocked by country without it. */
  readonly countryOf?: (address: string) => string | undefined;
  /** Where hits are counted; kept over several compilations. */
  readonly hits?: HitCounters;
}

const none: FirewallOpinion = { kind: "none" };

/**
 * The firewall of `rules`: allowed addresses first, then blocked ones, then countries. Of several blocks around an address the smallest
 * is the rule that counts. Text that is no address is blocked as soon as anything is.
 */
export function compileFirewall(rules: FirewallRules, sources: FirewallSources = {}): Firewall {
  const { countryOf, hits } = sources;
  const allowed = createBlockSet(rules.allowedAddresses.map((block) => [block, toAllowed(block)] as const));
  const blocked = createBlockSet(rules.blockedAddresses.map((block) => [block, toBlocked("address", block)] as const));
  const countries = new Map(rules.blockedCountries.map((code) => [code, toBlocked("country", code)] as const));
  const isOpen = rules.blockedAddresses.length === 0 && countries.size === 0;

  function explain(text: string): FirewallOpinion {
    const address = parseAddress(text);
    if (address === undefined) return isOpen ? none : toBlocked("address", "(no address)");
    const opinion = allowed.find(address) ?? blocked.find(address);
    if (opinion !== undefined) return opinion;
    const country = countries.size === 0 ? undefined : countryOf?.(text);
    return country === undefined ? none : countries.get(country) ?? none;
  }

  return {
    explain,
    judge(address) {
      const opinion = explain(address);
      if (opinion.kind !== "blocked") return undefined;
      hits?.count(`${opinion.reason.kind}:${opinion.reason.rule}`, rules.shadow);
      return rules.shadow ? undefined : opinion.reason;
    },
  };
}

function toAllowed(rule: string): FirewallOpinion {
  return { kind: "allowed", rule };
}

function toBlocked(kind: BlockReason["kind"], rule: string): FirewallOpinion {
  return { kind: "blocked", reason: { kind, rule } };
}
