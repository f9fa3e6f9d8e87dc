import { platformAudience, type Principal } from "#shared/contract/principal.ts";
import type { TokenValidator } from "#shared/contract/server.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";

/** When the tokens of tests end. */
export const tokenEnd = "2026-01-01T01:00:00.000Z";

function principal(username: string, kind: Principal["kind"], roles: Principal["roles"]): Principal {
  return {
    accountId: `id-${username}`,
    username,
    kind,
    roles,
    tokenId: `t-${username}`,
    audience: [platformAudience],
    expiresAt: tokenEnd,
  };
}

/** Everybody that tests know. */
export const accounts: readonly Principal[] = [
  principal("root", "human", ["admin"]),
  principal("alice", "human", ["user"]),
  principal("bob", "human", ["user"]),
  principal("gast", "human", ["guest"]),
  principal("nobody", "human", []),
  principal("rift", "node", []),
  principal("mcp", "system", []),
  principal("builder", "system", []),
  { ...principal("elsewhere", "human", ["admin"]), audience: ["mcq"] },
];

/** A token that {@link testValidator} knows, in the form of a JWT. */
export function tokenOf(username: string): string {
  return `eyJ0.${username}.sig`;
}

/** The password that {@link testLogin} takes for a person. */
export function passwordOf(username: string): string {
  return `secret-of-${username}`;
}

/** Knows the tokens of {@link accounts}. */
export const testValidator: TokenValidator = {
  async validateToken(token) {
    const known = accounts.find(({ username }) => token === tokenOf(username));
    if (known === undefined) throw new PlatformError("unauthenticated", "Cannot use this token: it is not known");
    return known;
  },
};

/** Stands for MCIAS: gives a person's token for the password. */
export async function testLogin(username: string, password: string): Promise<string> {
  const known = accounts.find((account) => account.kind === "human" && account.username === username);
  if (known === undefined || password !== passwordOf(username)) {
    throw new PlatformError("invalid-credentials", `Cannot log in as "${username}": the username or password is wrong`);
  }
  return tokenOf(username);
}
