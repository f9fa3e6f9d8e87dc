import type { AccountKind, Role } from "#shared/contract/principal.ts";

/** Whose lifetime is asked for. */
export interface TokenHolder {
  readonly kind: AccountKind;
  readonly roles: readonly Role[];
}

const adminSeconds = 8 * 3600;
const personSeconds = 30 * 86_400;
const machineSeconds = 600;

/** Life of a token in seconds: 8 hours for admins, 30 days for other people, 10 minutes for nodes and systems. */
export function tokenLifetimeSeconds(holder: TokenHolder): number {
  if (holder.kind !== "human") return machineSeconds;
  return holder.roles.includes("admin") ? adminSeconds : personSeconds;
}

/**
 * When a token ends for its holder's present roles, in milliseconds: a token issued to a user ends 8 hours after its issue once the
 * user is an admin, as no admin token may live longer.
 */
export function effectiveExpiry(
  token: { readonly issuedAtMs: number; readonly expiresAtMs: number },
  holder: TokenHolder,
): number {
  return Math.min(token.expiresAtMs, token.issuedAtMs + tokenLifetimeSeconds(holder) * 1000);
}

/** Says whether half of a token's life is over. */
export function isRenewable(
  token: { readonly issuedAtMs: number; readonly expiresAtMs: number },
  nowMs: number,
): boolean {
  return nowMs - token.issuedAtMs >= (token.expiresAtMs - token.issuedAtMs) / 2;
}
