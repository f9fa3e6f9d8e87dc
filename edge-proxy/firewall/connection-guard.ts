import { type FirewallRules, openFirewall } from "#shared/contract/firewall.ts";
import { type BlockReason, compileFirewall, type FirewallOpinion } from "./compile-firewall.ts";
import type { Admission, ConnectionLimiter, ConnectionLimits, ConnectionRefusal } from "./connection-limiter.ts";
import { createHitCounters, type RuleHits } from "./hit-counters.ts";

/** Whether a connection may stay, and why not. */
export type GuardVerdict =
  | Extract<Admission, { kind: "admitted" }>
  | { readonly kind: "blocked"; readonly reason: BlockReason }
  | Extract<Admission, { kind: "refused" }>;

/** The firewall and the limits of connections, in this order, with rules that may change at any time. */
export interface ConnectionGuard {
  /** Judges a new connection by the client's verified address, and counts it. */
  admit(address: string): GuardVerdict;
  /** Judges by `rules` from now on; open connections stay. Hits of rules that stay are kept. */
  apply(rules: FirewallRules): void;
  /** The rules in force. */
  rules(): FirewallRules;
  /** What the rules say of `address`; counts nothing. */
  explain(address: string): FirewallOpinion;
  /** Hits by rule since the start, the ones with most first. */
  hits(): readonly RuleHits[];
  /** Connections open now, of all workers. */
  openTotal(): number;
}

/** What {@link createConnectionGuard} needs. */
export interface ConnectionGuardDependencies {
  readonly limiter: ConnectionLimiter;
  /** Limits by configuration; those of the rules come before them. */
  readonly limits: ConnectionLimits;
  readonly countryOf?: (address: string) => string | undefined;
}

/** A guard that refuses nobody but by `limits`, until rules are applied. */
export function createConnectionGuard(dependencies: ConnectionGuardDependencies): ConnectionGuard {
  const { limiter, countryOf } = dependencies;
  const hits = createHitCounters();
  const sources = { hits, ...(countryOf === undefined ? {} : { countryOf }) };
  let rules = openFirewall;
  let firewall = compileFirewall(rules, sources);
  let limits = dependencies.limits;

  /** Limits of the rules only count in shadow mode; those of the configuration protect the proxy itself and stay. */
  function admitUnderLimits(address: string): GuardVerdict {
    const admission = limiter.admit(address, limits);
    if (admission.kind === "admitted") return admission;
    const isShadow = rules.shadow && isOfRules(rules, admission.reason);
    hits.count(`limit:${admission.reason}`, isShadow);
    return isShadow ? limiter.admit(address, totalOnly(dependencies.limits)) : admission;
  }

  return {
    admit(address) {
      const { kind } = firewall.explain(address);
      if (kind === "allowed") return limiter.admit(address, {});
      const reason = kind === "blocked" ? firewall.judge(address) : undefined;
      return reason === undefined ? admitUnderLimits(address) : { kind: "blocked", reason };
    },
    apply(next) {
      firewall = compileFirewall(next, sources);
      rules = next;
      limits = { ...dependencies.limits, ...limitsOf(next) };
      const kept = new Set([
        ...next.blockedAddresses.map((block) => `address:${block}`),
        ...next.blockedCountries.map((code) => `country:${code}`),
      ]);
      hits.prune((rule) => rule.startsWith("limit:") || kept.has(rule));
    },
    rules: () => rules,
    explain: (address) => firewall.explain(address),
    hits: () => hits.list(),
    openTotal: () => limiter.openTotal(),
  };
}

function limitsOf(rules: FirewallRules): ConnectionLimits {
  const { connectionLimit: limit, maxConnectionsPerAddress: maxOpenPerAddress } = rules;
  return {
    ...(limit === undefined ? {} : { rate: { count: limit.count, windowMs: limit.windowSeconds * 1000 } }),
    ...(maxOpenPerAddress === undefined ? {} : { maxOpenPerAddress }),
  };
}

function isOfRules(rules: FirewallRules, reason: ConnectionRefusal): boolean {
  if (reason === "connection-rate") return rules.connectionLimit !== undefined;
  return reason === "address-connections" && rules.maxConnectionsPerAddress !== undefined;
}

function totalOnly({ maxOpenTotal }: ConnectionLimits): ConnectionLimits {
  return maxOpenTotal === undefined ? {} : { maxOpenTotal };
}
