import { readFile } from "node:fs/promises";
import { exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from "jose";
import { randomUUID } from "node:crypto";
import { z } from "zod";
import { type ClientOptions, createClient } from "../contract/client.ts";
import { Ed25519PublicJwk, jwtBearerGrant, mciasContract } from "../contract/mcias.ts";
import { AccountName } from "../contract/names.ts";
import { PlatformError } from "../errors/platform-error.ts";
import { writeFileAtomically } from "../store/atomic-file.ts";

/** A node's or service's own key, as kept in its 0600 identity file. */
const IdentityFile = z.object({
  name: AccountName,
  /** Issuer that knows the key: the audience of assertions. */
  issuer: z.string().max(256),
  privateKey: Ed25519PublicJwk.extend({ d: z.string().max(64) }),
});
type IdentityFile = z.infer<typeof IdentityFile>;

/** A machine account: what it is called, and a token whenever one is needed. */
export interface MachineIdentity {
  readonly name: string;
  /** A live token; exchanged anew in the background once less than a quarter of its life is left. */
  token(): Promise<string>;
}

/** What enrolling needs. */
export interface EnrolOptions {
  readonly client: ClientOptions;
  readonly joinToken: string;
  readonly issuer: string;
  readonly identityPath: string;
}

/**
 * Makes a key, registers its public half with a join token, and keeps the private half in a 0600 file. The key never travels.
 *
 * @throws {PlatformError} invalid-credentials — when the join token is unknown, used or expired
 */
export async function enrolMachine(options: EnrolOptions): Promise<void> {
  const { privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  const jwk = await exportJWK(privateKey);
  const publicKey = Ed25519PublicJwk.parse(jwk);
  const account = await createClient(mciasContract, options.client).enrol({
    body: { joinToken: options.joinToken, publicKey },
  });
  const identity = IdentityFile.parse({ name: account.username, issuer: options.issuer, privateKey: jwk });
  await writeFileAtomically(options.identityPath, JSON.stringify(identity));
}

/**
 * Opens an identity that was enrolled before.
 *
 * @throws {PlatformError} invalid-config — when the file is missing or damaged
 */
export async function openMachineIdentity(
  options: { readonly identityPath: string; readonly client: ClientOptions; readonly now: () => Date },
): Promise<MachineIdentity> {
  const identity = await readIdentity(options.identityPath);
  const mcias = createClient(mciasContract, options.client);
  let live: LiveToken | undefined;
  let renewal: Promise<string> | undefined;
  return {
    name: identity.name,
    async token() {
      const nowMs = options.now().getTime();
      if (live !== undefined && isWithin(live, nowMs, live.renewAtMs)) return live.token;
      renewal ??= renew(nowMs).finally(() => void (renewal = undefined));
      if (live === undefined || !isWithin(live, nowMs, live.endsAtMs)) return await renewal;
      // MCIAS may be down: the token serves until its end, and each call until then tries again.
      renewal.catch(() => undefined);
      return live.token;
    },
  };

  async function renew(nowMs: number): Promise<string> {
    const { access_token: token, expires_in } = await exchangeAssertion();
    live = { token, fromMs: nowMs, renewAtMs: nowMs + expires_in * 750, endsAtMs: nowMs + expires_in * 1000 };
    return token;
  }

  async function exchangeAssertion() {
    const assertion = await signAssertion(identity, options.now());
    return await mcias.exchangeAssertion({ body: { grant_type: jwtBearerGrant, assertion } });
  }
}

interface LiveToken {
  readonly token: string;
  readonly fromMs: number;
  readonly renewAtMs: number;
  readonly endsAtMs: number;
}

/** A clock that went back behind the token's start says nothing about its end: such a token is not believed any more. */
function isWithin({ fromMs }: LiveToken, nowMs: number, untilMs: number): boolean {
  return nowMs >= fromMs && nowMs < untilMs;
}

async function readIdentity(path: string): Promise<IdentityFile> {
  try {
    return IdentityFile.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (cause) {
    throw new PlatformError(
      "invalid-config",
      `Cannot use the identity "${path}": it is missing or damaged, expected an enrolled one`,
      {
        cause,
      },
    );
  }
}

/** A JWT that says "I am `name`", good for one exchange within a minute (RFC 7523 §3). */
async function signAssertion(identity: IdentityFile, now: Date): Promise<string> {
  const jwk: JWK = identity.privateKey;
  const nowSeconds = Math.floor(now.getTime() / 1000);
  return await new SignJWT({})
    .setProtectedHeader({ alg: "EdDSA", typ: "JWT" })
    .setIssuer(identity.name)
    .setSubject(identity.name)
    .setAudience(identity.issuer)
    .setJti(randomUUID())
    .setIssuedAt(nowSeconds)
    .setExpirationTime(nowSeconds + 60)
    .sign(await importJWK(jwk, "EdDSA"));
}
