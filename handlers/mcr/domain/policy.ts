import type { Principal } from "#shared/contract/principal.ts";
import type { RepositoryName } from "./name.ts";
import { ociError } from "./oci-error.ts";

/** What somebody does in the registry. */
export type RegistryAction = "pull" | "push" | "delete" | "catalog";

/** One rule: accounts that match may, or must not, do the actions on the repositories. */
export interface PolicyRule {
  /** Named in the answer to a refused request. */
  readonly name: string;
  readonly effect: "allow" | "deny";
  readonly accounts: (principal: Principal) => boolean;
  readonly actions: readonly RegistryAction[];
  /** All repositories unless given. Never asked about `catalog`, which is about no repository. */
  readonly repositories?: (repository: RepositoryName) => boolean;
}

/** How a request was decided, and why. */
export interface Decision {
  readonly isAllowed: boolean;
  /** The rule that decided, or `undefined` when none matched, which is a refusal. */
  readonly rule: string | undefined;
}

const everything = ["pull", "push", "delete", "catalog"] as const;

/** The rules that hold in every registry. */
export const builtInRules: readonly PolicyRule[] = [
  {
    name: "admins do everything",
    effect: "allow",
    accounts: (principal) => isPerson(principal, "admin"),
    actions: everything,
  },
  {
    name: "users do everything with images",
    effect: "allow",
    accounts: (principal) => isPerson(principal, "user"),
    actions: everything,
  },
  { name: "guests pull", effect: "allow", accounts: (principal) => isPerson(principal, "guest"), actions: ["pull"] },
  { name: "nodes pull", effect: "allow", accounts: (principal) => principal.kind === "node", actions: ["pull"] },
  {
    name: "the control plane resolves digests",
    effect: "allow",
    accounts: (principal) => principal.kind === "system" && principal.username === "mcp",
    actions: ["pull"],
  },
];

/** Decides by the rules: refused unless a rule allows it, and refused whenever a rule denies it. */
export function decide(
  principal: Principal,
  request: { readonly action: RegistryAction; readonly repository?: RepositoryName },
  rules: readonly PolicyRule[] = builtInRules,
): Decision {
  const matching = rules.filter((rule) =>
    rule.actions.includes(request.action) &&
    rule.accounts(principal) &&
    (request.repository === undefined || rule.repositories === undefined || rule.repositories(request.repository))
  );
  const decisive = matching.find((rule) => rule.effect === "deny") ?? matching[0];
  return { isAllowed: decisive?.effect === "allow", rule: decisive?.name };
}

/**
 * Lets a request pass when the rules do.
 *
 * @throws {PlatformError} forbidden (DENIED) — when they do not
 */
export function assertAllowed(
  principal: Principal,
  request: { readonly action: RegistryAction; readonly repository?: RepositoryName },
): void {
  const { isAllowed, rule } = decide(principal, request);
  if (isAllowed) return;
  const reason = rule === undefined ? "no rule allows it" : `the rule "${rule}" denies it`;
  throw ociError(
    "DENIED",
    `Cannot ${request.action} "${request.repository ?? "_catalog"}" as "${principal.username}": ${reason}`,
  );
}

function isPerson(principal: Principal, role: "admin" | "user" | "guest"): boolean {
  return principal.kind === "human" && principal.roles.includes(role);
}
