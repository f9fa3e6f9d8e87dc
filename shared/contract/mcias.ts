import { z } from "zod";
import { Empty, endpoint } from "./endpoint.ts";
import { feedEndpoints, FeedQuery } from "./feed-endpoints.ts";
import { AccountName, Id, Label, Timestamp } from "./names.ts";
import { AccountKind, Principal, Role } from "./principal.ts";
import { auditEndpoint } from "./audit.ts";

/** A password as typed; length limits bound the work of hashing it. */
export const Password = z.string().min(1).max(128);

/** A fresh token and when it ends. */
export const IssuedToken = z.object({ token: z.string(), expiresAt: Timestamp });
/** A fresh token and when it ends. */
export type IssuedToken = z.infer<typeof IssuedToken>;

/** An account without its secrets. */
export const Account = z.object({
  id: Id,
  username: AccountName,
  kind: AccountKind,
  status: z.enum(["active", "inactive"]),
  roles: z.array(Role),
  createdAt: Timestamp,
});
/** An account without its secrets. */
export type Account = z.infer<typeof Account>;

/** An Ed25519 public key as JWK (RFC 8037 §2). */
export const Ed25519PublicJwk = z.object({
  kty: z.literal("OKP"),
  crv: z.literal("Ed25519"),
  x: z.string().regex(/^[A-Za-z0-9_-]{43}$/, "expected 32 bytes in base64url"),
});
/** An Ed25519 public key as JWK. */
export type Ed25519PublicJwk = z.infer<typeof Ed25519PublicJwk>;

/** Grant type of a signed assertion (RFC 7523 §2.1). */
export const jwtBearerGrant = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/** Answer of the token endpoint (RFC 6749 §5.1). */
export const TokenResponse = z.object({
  access_token: z.string(),
  token_type: z.literal("Bearer"),
  expires_in: z.int(),
});

const AccountParams = z.object({ username: AccountName });

const feeds = feedEndpoints({
  name: "revocations",
  topic: "revocations",
  what: "revoked tokens",
  access: ["node", "system", "admin"],
  params: Empty,
  query: FeedQuery,
});

/** What MCIAS offers: who somebody is, and tokens that say so. */
export const mciasContract = {
  login: endpoint({
    id: "auth.login",
    method: "POST",
    path: "/v1/auth/login",
    summary: "Log in with a password",
    access: "public",
    body: z.object({
      username: AccountName,
      password: Password,
      /** Audience of the token: a service's name; the platform itself unless given. */
      serviceName: Label.optional(),
    }),
    answer: IssuedToken,
    errors: ["invalid-credentials", "rate-limited"],
  }),
  logout: endpoint({
    id: "auth.logout",
    method: "POST",
    path: "/v1/auth/logout",
    summary: "Revoke the token of this request",
    access: ["authenticated"],
  }),
  renew: endpoint({
    id: "auth.renew",
    method: "POST",
    path: "/v1/auth/renew",
    summary: "Exchange the token of this request for a fresh one, once half of its life is over",
    access: ["authenticated"],
    answer: IssuedToken,
    errors: ["conflict"],
  }),
  changePassword: endpoint({
    id: "auth.password",
    method: "PUT",
    path: "/v1/auth/password",
    summary: "Change the caller's own password",
    access: ["user", "admin"],
    body: z.object({ currentPassword: Password, newPassword: z.string().min(8).max(128) }),
    errors: ["invalid-credentials"],
  }),
  validateToken: endpoint({
    id: "token.validate",
    method: "POST",
    path: "/v1/token/validate",
    summary: "Say whom a token stands for",
    access: "public",
    audited: false,
    body: z.object({ token: z.string().min(1).max(4096) }),
    answer: z.object({ valid: z.boolean(), principal: Principal.optional() }),
    errors: ["rate-limited"],
  }),
  forwardAuth: endpoint({
    id: "auth.forward",
    method: "GET",
    path: "/v1/auth/forward",
    summary:
      "Let a proxy ask whether a request may pass: 204 with X-Auth-Account, X-Auth-Kind and X-Auth-Roles, or 401",
    access: "public",
    audited: false,
    query: z.object({
      /** Service that is asked for: tokens for it alone are good too. */
      service: Label.optional(),
    }),
    answerKind: "raw",
    errors: ["unauthenticated", "token-expired", "rate-limited"],
  }),
  exchangeAssertion: endpoint({
    id: "token.assertion",
    method: "POST",
    path: "/v1/oauth/token",
    summary: "Exchange a signed assertion for a short token (RFC 7523)",
    access: "public",
    audited: false,
    requestBody: "form",
    body: z.object({ grant_type: z.literal(jwtBearerGrant), assertion: z.string().min(1).max(4096) }),
    answer: TokenResponse,
    errors: ["invalid-credentials"],
  }),
  jwks: endpoint({
    id: "keys.list",
    method: "GET",
    path: "/.well-known/jwks.json",
    summary: "List the public keys that tokens are signed with (RFC 7517)",
    access: "public",
    answer: z.object({ keys: z.array(z.record(z.string(), z.unknown())) }),
  }),
  createJoinToken: endpoint({
    id: "join-token.create",
    method: "POST",
    path: "/v1/join-tokens",
    summary: "Create a join token, good for one enrolment",
    access: ["admin"],
    body: z.object({ name: AccountName, kind: z.enum(["node", "system"]) }),
    answer: z.object({ joinToken: z.string(), expiresAt: Timestamp }),
  }),
  enrol: endpoint({
    id: "account.enrol",
    method: "POST",
    path: "/v1/enrol",
    summary: "Enrol a node or system account with its public key",
    access: "public",
    body: z.object({ joinToken: z.string().min(1).max(128), publicKey: Ed25519PublicJwk }),
    answer: Account,
    errors: ["invalid-credentials"],
  }),
  whoami: endpoint({
    id: "account.whoami",
    method: "GET",
    path: "/v1/whoami",
    summary: "Show whom the token of this request stands for",
    access: ["authenticated"],
    answer: Principal,
  }),
  listAccounts: endpoint({
    id: "account.list",
    method: "GET",
    path: "/v1/accounts",
    summary: "List accounts",
    access: ["admin"],
    answer: z.object({ accounts: z.array(Account) }),
  }),
  createAccount: endpoint({
    id: "account.create",
    method: "POST",
    path: "/v1/accounts",
    summary: "Create a person's account",
    access: ["admin"],
    body: z.object({
      username: AccountName,
      password: z.string().min(8).max(128),
      roles: z.array(Role).max(3).default(["user"]),
    }),
    answer: Account,
    status: 201,
    errors: ["conflict"],
  }),
  updateAccount: endpoint({
    id: "account.update",
    method: "PATCH",
    path: "/v1/accounts/{username}",
    summary: "Change an account's roles or status",
    access: ["admin"],
    params: AccountParams,
    body: z.object({ roles: z.array(Role).max(3).optional(), status: z.enum(["active", "inactive"]).optional() }),
    answer: Account,
    errors: ["not-found", "conflict"],
  }),
  deleteAccount: endpoint({
    id: "account.delete",
    method: "DELETE",
    path: "/v1/accounts/{username}",
    summary: "Delete an account and revoke its tokens",
    access: ["admin"],
    params: AccountParams,
    errors: ["not-found", "conflict"],
  }),
  revocationFeed: feeds.poll,
  revocationStream: feeds.stream,
  listAudit: auditEndpoint("mcias"),
} as const;
