import { type FirewallRules, openFirewall } from "#shared/contract/firewall.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { compileFirewall, type FirewallOpinion } from "./firewall/compile-firewall.ts";

/** A ban that the operator of this node put up. */
export interface Ban {
  /** Address or CIDR block. */
  readonly address: string;
  /** When it ends by itself. */
  readonly until: string;
}

/** The rules of the control plane, and bans of this proxy that last for a while. */
export interface LocalFirewall {
  /** Takes over the rules of the control plane; bans stay. */
  setRules(rules: FirewallRules): void;
  /** The rules of the control plane. */
  rules(): FirewallRules;
  /** The bans that hold now. */
  bans(): Ban[];
  /**
   * Refuses an address or block for so long, from the next connection on.
   *
   * @throws {PlatformError} conflict — when there are too many bans
   */
  ban(address: string, ttlMs: number): Ban;
  /** Lifts a ban; `false` when there is none. */
  unban(address: string): boolean;
  /** What rules and bans say of an address. */
  explain(address: string): FirewallOpinion;
  /** Forgets all bans. */
  stop(): void;
}

/** What {@link createLocalFirewall} needs. */
export interface LocalFirewallOptions {
  /** Makes the rules, with the bans among them, those that connections are judged by. */
  readonly apply: (rules: FirewallRules) => void;
  readonly countryOf?: (address: string) => string | undefined;
  /** Most bans at a time; 10,000 unless given. */
  readonly maxBans?: number;
}

/** A firewall that refuses nobody yet. */
export function createLocalFirewall(options: LocalFirewallOptions): LocalFirewall {
  const { apply, countryOf, maxBans = 10_000 } = options;
  const bans = new Map<string, { readonly untilMs: number; readonly timer: NodeJS.Timeout }>();
  let rules = openFirewall;
  let compiled = compileFirewall(rules);

  function applyAll(): void {
    const all = { ...rules, blockedAddresses: [...rules.blockedAddresses, ...bans.keys()] };
    compiled = compileFirewall(all, countryOf === undefined ? {} : { countryOf });
    apply(all);
  }

  function unban(address: string): boolean {
    clearTimeout(bans.get(address)?.timer);
    if (!bans.delete(address)) return false;
    applyAll();
    return true;
  }

  const toBan = (address: string, untilMs: number): Ban => ({ address, until: new Date(untilMs).toISOString() });
  return {
    setRules(next) {
      rules = next;
      applyAll();
    },
    rules: () => rules,
    bans: () => [...bans].map(([address, { untilMs }]) => toBan(address, untilMs)),
    ban(address, ttlMs) {
      if (bans.size >= maxBans && !bans.has(address)) {
        throw new PlatformError("conflict", `Cannot ban "${address}": there are ${maxBans} bans already`);
      }
      clearTimeout(bans.get(address)?.timer);
      const untilMs = Date.now() + ttlMs;
      bans.set(address, { untilMs, timer: setTimeout(() => unban(address), ttlMs).unref() });
      applyAll();
      return toBan(address, untilMs);
    },
    unban,
    explain: (address) => compiled.explain(address),
    stop() {
      for (const { timer } of bans.values()) clearTimeout(timer);
      bans.clear();
    },
  };
}
