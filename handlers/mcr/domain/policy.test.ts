import assert from "node:assert/strict";
import { test } from "node:test";
import { array, assert as check, boolean, constantFrom, property, record } from "fast-check";
import type { Principal } from "#shared/contract/principal.ts";
import { parseRepositoryName } from "./name.ts";
import { assertAllowed, builtInRules, decide, type PolicyRule, type RegistryAction } from "./policy.ts";

const repository = parseRepositoryName("team/web");
const actions = ["pull", "push", "delete", "catalog"] as const;

function principal(kind: Principal["kind"], roles: Principal["roles"], username = "x"): Principal {
  return { accountId: "1", username, kind, roles, tokenId: "1", audience: [], expiresAt: "2026-01-01T00:00:00Z" };
}

const table: readonly (readonly [string, Principal, readonly RegistryAction[]])[] = [
  ["an admin", principal("human", ["admin"]), actions],
  ["a user", principal("human", ["user"]), actions],
  ["a guest", principal("human", ["guest"]), ["pull"]],
  ["a person without roles", principal("human", []), []],
  ["a node", principal("node", []), ["pull"]],
  ["the system account mcp", principal("system", [], "mcp"), ["pull"]],
  ["another system account", principal("system", [], "builder"), []],
  ["a person called mcp", principal("human", [], "mcp"), []],
  ["a system account that claims a role", principal("system", ["admin"], "builder"), []],
];

for (const [who, account, allowed] of table) {
  test(`decide() lets ${who} do: ${allowed.join(", ") || "nothing"}`, () => {
    for (const action of actions) {
      assert.equal(decide(account, { action, repository }).isAllowed, allowed.includes(action), action);
    }
  });
}

test("decide() refuses whenever a rule denies, whatever its place", () => {
  const rule = record({
    name: constantFrom("a", "b"),
    effect: constantFrom("allow" as const, "deny" as const),
    isMatch: boolean(),
    actions: constantFrom<readonly RegistryAction[]>(["pull"], ["push"], ["pull", "push"]),
  });
  check(property(array(rule), constantFrom(...actions), (generated, action) => {
    const rules: PolicyRule[] = generated.map(({ isMatch, ...rest }) => ({ ...rest, accounts: () => isMatch }));
    const matching = generated.filter((each) => each.isMatch && each.actions.includes(action));
    const expected = matching.length > 0 && matching.every((each) => each.effect === "allow");
    return decide(principal("human", []), { action, repository }, rules).isAllowed === expected;
  }));
});

test("decide() asks a rule about its repositories", () => {
  const rules: PolicyRule[] = [...builtInRules, {
    name: "release images stay",
    effect: "deny",
    accounts: () => true,
    actions: ["delete"],
    repositories: (name) => name.startsWith("release/"),
  }];
  const admin = principal("human", ["admin"]);
  const denied = decide(admin, { action: "delete", repository: parseRepositoryName("release/web") }, rules);
  assert.deepEqual(denied, { isAllowed: false, rule: "release images stay" });
  assert.equal(decide(admin, { action: "delete", repository }, rules).isAllowed, true);
});

test("assertAllowed() says who may not do what", () => {
  assert.doesNotThrow(() => assertAllowed(principal("node", []), { action: "pull", repository }));
  assert.throws(
    () => assertAllowed(principal("node", [], "rift"), { action: "push", repository }),
    { code: "forbidden", message: 'Cannot push "team/web" as "rift": no rule allows it' },
  );
});
