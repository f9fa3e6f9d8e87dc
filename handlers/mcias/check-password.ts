import { PlatformError } from "#shared/errors/platform-error.ts";
import type { Sql } from "#shared/store/database.ts";
import type { MciasContext } from "./context.ts";
import { clientNetwork } from "./domain/client-network.ts";
import { addFailure, retryAfterSeconds } from "./domain/throttle.ts";
import { findAccount, type StoredAccount, updatePasswordHash } from "./store/account-store.ts";
import { deleteThrottle, getThrottle, putThrottle } from "./store/throttle-store.ts";

/** A password that somebody typed. */
export interface PasswordAttempt {
  readonly username: string;
  readonly password: string;
  readonly clientIp: string;
}

/**
 * What `work` gives for the account whose password this is, in the same transaction. Unknown, inactive and machine accounts cost the
 * same and answer the same as a wrong password.
 *
 * @throws {PlatformError} invalid-credentials — when it is not; rate-limited — while the account or the network is throttled
 */
export async function withCheckedPassword<T>(
  context: MciasContext,
  attempt: PasswordAttempt,
  work: (tx: Sql, account: StoredAccount) => Promise<T>,
): Promise<T> {
  const startedAtMs = context.now().getTime();
  const keys = throttleKeys(attempt);
  await assertNotThrottled(context.database, keys, startedAtMs);
  const account = await findAccount(context.database, attempt.username);
  const isRight = await context.hasher.verify(hashOf(account), attempt.password);
  if (account === undefined || !isRight) {
    await context.database.transaction((tx) => recordFailure(tx, keys, startedAtMs, context.now().getTime()));
    throw wrongPassword();
  }
  const newHash = await renewHash(context, account, attempt.password);
  return context.feed.transaction(async (tx) => {
    // Many guesses may have been on their way at once: the right one among them must not stand out.
    await assertNotThrottled(tx, keys, startedAtMs);
    const current = await findAccount(tx, attempt.username);
    if (
      current?.passwordVersion !== account.passwordVersion || hashOf(current) === undefined || current.id !== account.id
    ) {
      throw wrongPassword();
    }
    await deleteThrottle(tx, accountKey(attempt.username));
    if (newHash !== undefined) await updatePasswordHash(tx, current, newHash);
    return work(tx, current);
  });
}

function hashOf(account: StoredAccount | undefined): string | undefined {
  return account?.status === "active" && account.kind === "human" ? account.passwordHash ?? undefined : undefined;
}

/** A hash with today's parameters when the stored one has others. */
async function renewHash(context: MciasContext, account: StoredAccount, password: string): Promise<string | undefined> {
  const isOutdated = account.passwordHash !== null && context.hasher.isOutdated(account.passwordHash);
  return isOutdated ? await context.hasher.hash(password) : undefined;
}

function accountKey(username: string): string {
  return `account ${username}`;
}

function throttleKeys({ username, clientIp }: PasswordAttempt): string[] {
  const network = clientNetwork(clientIp);
  return network === undefined ? [accountKey(username)] : [accountKey(username), `network ${network}`];
}

async function assertNotThrottled(sql: Sql, keys: readonly string[], nowMs: number): Promise<void> {
  let seconds = 0;
  for (const key of keys) seconds = Math.max(seconds, retryAfterSeconds(await getThrottle(sql, key), nowMs));
  if (seconds === 0) return;
  throw new PlatformError(
    "rate-limited",
    `Cannot check the password now: too many were wrong, expected a new try in ${seconds} s`,
    { details: { retryAfterSeconds: seconds } },
  );
}

async function recordFailure(tx: Sql, keys: readonly string[], startedAtMs: number, nowMs: number): Promise<void> {
  await assertNotThrottled(tx, keys, startedAtMs);
  for (const key of keys) await putThrottle(tx, key, addFailure(await getThrottle(tx, key), nowMs));
}

function wrongPassword(): PlatformError {
  return new PlatformError(
    "invalid-credentials",
    "Cannot log in: the name or the password is wrong, expected both as registered",
  );
}
