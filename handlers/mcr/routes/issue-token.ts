import { ociError } from "../domain/oci-error.ts";
import { type Credentials, parseBasic } from "../domain/credentials.ts";
import type { Authenticator } from "../http/authenticate.ts";
import { readLimited } from "../http/read-limited.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";

/** Longest form of a token request, in bytes. */
const maxFormBytes = 16 * 1024;

/**
 * Exchanges a username and password for a token (distribution's token specification; as a form, its OAuth2 variant). Any number of `scope`
 * parameters is understood to mean nothing: what a token may do is decided by its account at each request.
 *
 * @throws {PlatformError} unauthenticated, invalid-credentials, token-expired — without good credentials; method-not-allowed;
 *   payload-too-large; invalid-request — for a grant other than `password`
 */
export async function issueToken(
  request: Request,
  deps: { readonly authenticator: Authenticator; readonly clientIp: string; readonly now: () => Date },
): Promise<Response> {
  const credentials = await readCredentials(request);
  if (credentials === undefined) {
    throw ociError(
      "UNAUTHORIZED",
      "Cannot issue a token to nobody: anonymous access is not offered, expected a username and password",
    );
  }
  const { token, principal } = await deps.authenticator.identifyByPassword(credentials, deps.clientIp);
  const now = deps.now();
  const expiresInSeconds = Math.max(0, Math.floor((Date.parse(principal.expiresAt) - now.getTime()) / 1000));
  return Response.json(
    { token, access_token: token, expires_in: expiresInSeconds, issued_at: now.toISOString() },
    { headers: { "cache-control": "no-store" } },
  );
}

async function readCredentials(request: Request): Promise<Credentials | undefined> {
  if (request.method === "GET" || request.method === "HEAD") return parseBasic(request.headers.get("authorization"));
  if (request.method === "POST") return parseBasic(request.headers.get("authorization")) ?? readForm(request);
  throw new PlatformError(
    "method-not-allowed",
    `Cannot ${request.method} a token: the method is not offered here, expected GET or POST`,
    {
      details: { allowed: "GET, HEAD, POST" },
    },
  );
}

async function readForm(request: Request): Promise<Credentials | undefined> {
  const form = new URLSearchParams(await readText(request));
  const grant = form.get("grant_type");
  if (grant !== null && grant !== "password") {
    throw new PlatformError(
      "invalid-request",
      `Cannot issue a token for the grant "${grant.slice(0, 64)}": it is not offered, expected password`,
    );
  }
  const [username, password] = [form.get("username") ?? "", form.get("password") ?? ""];
  return username === "" || password === "" ? undefined : { username, password };
}

async function readText(request: Request): Promise<string> {
  const bytes = await readLimited(request, maxFormBytes);
  if (bytes !== undefined) return new TextDecoder().decode(bytes);
  throw ociError("SIZE_INVALID", `Cannot issue a token: the form is too large, expected at most ${maxFormBytes} bytes`);
}
