import { z } from "zod";
import { AccountName, Id } from "./names.ts";

/** What an account stands for: a person, a service, or a node of the platform. */
export const AccountKind = z.enum(["human", "system", "node"]);
/** What an account stands for. */
export type AccountKind = z.infer<typeof AccountKind>;

/** Roles that MCIAS gives to people. System and node accounts have none. */
export const Role = z.enum(["admin", "user", "guest"]);
/** Roles that MCIAS gives to people. */
export type Role = z.infer<typeof Role>;

/** Who a valid token stands for. */
export const Principal = z.object({
  accountId: Id,
  /** Account name; for a node, the node's name. */
  username: AccountName,
  kind: AccountKind,
  roles: z.array(Role),
  /** `jti` of the token. */
  tokenId: Id,
  /** Audiences of the token: `metacircular` for the platform itself, else a service name. */
  audience: z.array(z.string().max(128)).max(16),
  /** When the token ends. */
  expiresAt: z.iso.datetime(),
});
/** Who a valid token stands for. */
export type Principal = z.infer<typeof Principal>;

/** Audience of tokens for the platform's own systems. */
export const platformAudience = "metacircular";

/** Says whether the principal has the MCIAS `admin` role. */
export function isAdmin(principal: Principal): boolean {
  return principal.roles.includes("admin");
}
