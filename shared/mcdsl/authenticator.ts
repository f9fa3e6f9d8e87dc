import { createHash } from "node:crypto";
import { type ContractClient, createClient, type Fetch } from "../contract/client.ts";
import { mciasContract } from "../contract/mcias.ts";
import type { Principal } from "../contract/principal.ts";
import type { TokenValidator } from "../contract/server.ts";
import { PlatformError } from "../errors/platform-error.ts";

/** What {@link createAuthenticator} needs. */
export interface AuthenticatorOptions {
  readonly fetch: Fetch;
  /** Origin of MCIAS. */
  readonly baseUrl: string;
  readonly now: () => Date;
  /** Audience that tokens must carry; any unless given. */
  readonly audience?: string;
}

/** Checks tokens and logs people in, by asking MCIAS. */
export interface Authenticator extends TokenValidator {
  /** Exchanges a person's password for a token (guide §6, direct credentials). */
  login(
    credentials: { username: string; password: string; serviceName?: string },
  ): Promise<{ token: string; expiresAt: string }>;
}

/** How long a positive answer is believed, in milliseconds (guide §6). */
export const tokenCacheMs = 30_000;
/** How long a negative answer is believed. */
const negativeCacheMs = 5_000;
const maxCachedTokens = 10_000;

interface Cached {
  readonly until: number;
  readonly principal: Promise<Principal>;
}

/**
 * An authenticator that believes MCIAS for 30 s, keyed by the SHA-256 of the token, and asks once however many wait.
 * While MCIAS is down cached tokens live out their time and others give `unavailable`, which is not `unauthenticated`.
 */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const mcias = createClient(mciasContract, options);
  const cache = new Map<string, Cached>();
  return {
    validateToken(token) {
      const key = createHash("sha256").update(token).digest("base64url");
      const nowMs = options.now().getTime();
      const known = cache.get(key);
      if (known !== undefined && known.until > nowMs) return known.principal;
      const principal = askMcias(mcias, token, options.audience);
      remember(key, { until: nowMs + tokenCacheMs, principal });
      principal.then(
        ({ expiresAt }) => remember(key, { until: Math.min(nowMs + tokenCacheMs, Date.parse(expiresAt)), principal }),
        (error: unknown) => {
          const isAnswer = error instanceof PlatformError &&
            (error.code === "unauthenticated" || error.code === "forbidden");
          if (isAnswer) remember(key, { until: nowMs + negativeCacheMs, principal });
          else cache.delete(key);
        },
      );
      return principal;
    },
    async login({ username, password, serviceName }) {
      return await mcias.login({ body: { username, password, ...(serviceName === undefined ? {} : { serviceName }) } });
    },
  };

  function remember(key: string, cached: Cached): void {
    cache.delete(key);
    cache.set(key, cached);
    const oldest = cache.keys().next().value;
    if (cache.size > maxCachedTokens && oldest !== undefined) cache.delete(oldest);
  }
}

async function askMcias(
  mcias: ContractClient<typeof mciasContract>,
  token: string,
  audience?: string,
): Promise<Principal> {
  const { valid, principal } = await mcias.validateToken({ body: { token } });
  if (!valid || principal === undefined) {
    throw new PlatformError(
      "unauthenticated",
      "Cannot accept the token: MCIAS does not know it as live, expected a live token",
    );
  }
  if (audience !== undefined && !principal.audience.includes(audience)) {
    throw new PlatformError(
      "forbidden",
      `Cannot accept the token: it is for "${principal.audience.join(", ")}", expected "${audience}"`,
    );
  }
  return principal;
}
