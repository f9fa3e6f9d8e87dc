/** How often one rule was met. */
export interface RuleHits {
  /** `address:<block>`, `country:<code>` or `limit:<reason>`. */
  readonly rule: string;
  /** Connections that were refused. */
  readonly refused: number;
  /** Connections that would have been refused but for the shadow mode. */
  readonly shadowed: number;
}

/** Counts hits by rule, for operators and metrics. */
export interface HitCounters {
  /** Counts one hit of `rule`. */
  count(rule: string, isShadow: boolean): void;
  /** All rules with hits, the ones with most first. */
  list(): readonly RuleHits[];
  /** Forgets the rules that `isKept` does not want. */
  prune(isKept: (rule: string) => boolean): void;
}

/** Counters at zero. */
export function createHitCounters(): HitCounters {
  const byRule = new Map<string, { refused: number; shadowed: number }>();
  return {
    count(rule, isShadow) {
      let hits = byRule.get(rule);
      if (hits === undefined) byRule.set(rule, hits = { refused: 0, shadowed: 0 });
      if (isShadow) hits.shadowed++;
      else hits.refused++;
    },
    list() {
      const all = [...byRule].map(([rule, hits]) => ({ rule, ...hits }));
      return all.sort((a, b) => b.refused + b.shadowed - a.refused - a.shadowed);
    },
    prune(isKept) {
      for (const rule of byRule.keys()) if (!isKept(rule)) byRule.delete(rule);
    },
  };
}
