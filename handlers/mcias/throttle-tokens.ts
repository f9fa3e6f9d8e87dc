import { PlatformError } from "#shared/errors/platform-error.ts";
import type { MciasContext } from "./context.ts";
import { clientNetwork } from "./domain/client-network.ts";
import { addFailure, retryAfterSeconds } from "./domain/throttle.ts";
import { getThrottle, putThrottle } from "./store/throttle-store.ts";

/** Not the key of wrong passwords: a browser with a dead token must not keep its owner from logging in. */
function keyOf(clientIp: string): string | undefined {
  const network = clientNetwork(clientIp);
  return network === undefined ? undefined : `tokens of ${network}`;
}

/**
 * Makes sure that a network has not shown too many wrong tokens of late.
 *
 * @throws {PlatformError} rate-limited — while it has
 */
export async function assertNetworkMayTry({ database, now }: MciasContext, clientIp: string): Promise<void> {
  const key = keyOf(clientIp);
  const seconds = key === undefined ? 0 : retryAfterSeconds(await getThrottle(database, key), now().getTime());
  if (seconds === 0) return;
  throw new PlatformError(
    "rate-limited",
    `Cannot check the token now: too many were wrong, expected a new try in ${seconds} s`,
    { details: { retryAfterSeconds: seconds } },
  );
}

/** Counts a wrong token for the network that it came from. */
export async function countWrongToken({ database, now }: MciasContext, clientIp: string): Promise<void> {
  const key = keyOf(clientIp);
  if (key === undefined) return;
  await database.transaction(async (tx) => {
    await putThrottle(tx, key, addFailure(await getThrottle(tx, key), now().getTime()));
  });
}
