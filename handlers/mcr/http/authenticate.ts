import { createHash, randomBytes } from "node:crypto";
import { bearerToken } from "#shared/contract/authorise.ts";
import { platformAudience, type Principal } from "#shared/contract/principal.ts";
import type { TokenValidator } from "#shared/contract/server.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { type Credentials, looksLikeToken, parseBasic } from "../domain/credentials.ts";
import { ociError } from "../domain/oci-error.ts";

/** What {@link createAuthenticator} needs. */
export interface AuthenticatorDependencies {
  readonly validator: TokenValidator;
  /** A token for a username and password that came from an address, from MCIAS. */
  readonly login: (username: string, password: string, clientIp: string) => Promise<string>;
  readonly now: () => Date;
}

/** A token and whom it stands for. */
export interface Identity {
  readonly token: string;
  readonly principal: Principal;
}

/** Finds out who asks. */
export interface Authenticator {
  /**
   * Who a request is from, by its bearer token or its Basic credentials.
   *
   * @throws {PlatformError} unauthenticated, invalid-credentials, token-expired — when it says no one who is known;
   *   forbidden (DENIED) — when the token is for another service
   */
  identify(request: Request, clientIp: string): Promise<Identity>;
  /**
   * Who credentials belong to. A password that is a token is validated, and the username must be its own.
   *
   * @throws {PlatformError} as `identify`
   */
  identifyByPassword(credentials: Credentials, clientIp: string): Promise<Identity>;
}

/** How long a login by password on /v2 is reused, in milliseconds: clients that send Basic do so with every request. */
const loginLifetimeMs = 60_000;
/** Most logins that are remembered. */
const maxLogins = 256;

/** An authenticator that remembers logins by password for a minute, under a keyed hash. Tokens are validated at every request. */
export function createAuthenticator({ validator, login, now }: AuthenticatorDependencies): Authenticator {
  const logins = new Map<string, { readonly token: string; readonly until: number }>();
  const salt = randomBytes(32);

  async function identifyByToken(token: string): Promise<Identity> {
    const principal = await validator.validateToken(token);
    assertAudience(principal);
    return { token, principal };
  }

  async function identifyByPassword({ username, password }: Credentials, clientIp: string): Promise<Identity> {
    if (!looksLikeToken(password)) return identifyByToken(await login(username, password, clientIp));
    const identity = await identifyByToken(password);
    if (identity.principal.username === username) return identity;
    throw new PlatformError(
      "invalid-credentials",
      `Cannot log in as "${username.slice(0, 64)}": the token belongs to another account, expected its own username`,
    );
  }

  async function identifyByRememberedPassword(credentials: Credentials, clientIp: string): Promise<Identity> {
    const key = createHash("sha256").update(salt).update(JSON.stringify(credentials)).digest("base64");
    const known = logins.get(key);
    logins.delete(key);
    const isFresh = known !== undefined && known.until > now().getTime();
    const identity = isFresh ? await identifyByToken(known.token) : await identifyByPassword(credentials, clientIp);
    logins.set(key, isFresh ? known : { token: identity.token, until: now().getTime() + loginLifetimeMs });
    const oldest = logins.keys().next().value;
    if (logins.size > maxLogins && oldest !== undefined) logins.delete(oldest);
    return identity;
  }

  return {
    async identify(request, clientIp) {
      const token = bearerToken(request);
      if (token !== undefined) return identifyByToken(token);
      const credentials = parseBasic(request.headers.get("authorization"));
      if (credentials !== undefined) return identifyByRememberedPassword(credentials, clientIp);
      throw ociError(
        "UNAUTHORIZED",
        "Cannot answer without credentials, expected a bearer token or a username and password",
      );
    },
    identifyByPassword,
  };
}

function assertAudience(principal: Principal): void {
  if (principal.audience.includes(platformAudience)) return;
  throw ociError(
    "DENIED",
    `Cannot use this token here: its audience is "${principal.audience.join(", ")}", expected "${platformAudience}"`,
  );
}
