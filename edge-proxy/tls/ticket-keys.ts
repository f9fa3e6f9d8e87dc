import { Buffer } from "node:buffer";
import { hkdfSync, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { writeFileAtomically } from "#shared/store/atomic-file.ts";

/** Keys of session tickets (RFC 8446 §4.6.1): one for each host name, another one in each epoch. */
export interface TicketKeys {
  /** Number of the epoch now; keys of different epochs have nothing in common. */
  epoch(): number;
  /** The 48 bytes for `hostname` in the epoch now. */
  keyOf(hostname: string): Buffer;
}

/** What {@link createTicketKeys} needs. */
export interface TicketKeysOptions {
  /** What every key is derived from: 32 bytes or more, the same in all workers of a proxy. */
  readonly secret: Uint8Array;
  /** Length of an epoch: 12 h unless given, 24 h at most. */
  readonly epochMs?: number;
  /** The clock; that of the machine unless given. */
  readonly now?: () => number;
}

const dayMs = 86_400_000;
const secretBytes = 32;
const keyBytes = 48;

/**
 * Ticket keys as HKDF(secret, host, epoch) (RFC 5869). All workers derive the same ones and so does the proxy after a restart, so that
 * a client resumes with any of them. No two names share a key: a ticket never opens another name (CVE-2025-23419).
 *
 * @throws {RangeError} when an epoch lasts longer than a day, or the secret is too short
 */
export function createTicketKeys(options: TicketKeysOptions): TicketKeys {
  const { secret, epochMs = dayMs / 2, now = Date.now } = options;
  if (!(epochMs > 0 && epochMs <= dayMs)) {
    throw new RangeError(`Cannot rotate ticket keys every ${epochMs} ms: expected at most ${dayMs}`);
  }
  if (secret.length < secretBytes) {
    throw new RangeError(`Cannot derive ticket keys from ${secret.length} bytes: expected ${secretBytes} or more`);
  }
  const epoch = () => Math.floor(now() / epochMs);
  return {
    epoch,
    keyOf: (hostname) => Buffer.from(hkdfSync("sha256", secret, `epoch ${epoch()}`, `ticket ${hostname}`, keyBytes)),
  };
}

/** The secret kept in the file at `path` (0600); a new one when there is none, or none that can be used. */
export async function loadTicketSecret(path: string): Promise<Uint8Array> {
  const kept = await readFile(path).catch(() => undefined);
  if (kept?.length === secretBytes) return kept;
  const secret = randomBytes(secretBytes);
  await writeFileAtomically(path, secret);
  return secret;
}
