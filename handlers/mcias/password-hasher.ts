import { hash, parseOptions, verify } from "@node-rs/argon2";
import { PlatformError } from "#shared/errors/platform-error.ts";

/** Turns passwords into hashes and checks them, a bounded number at a time. */
export interface PasswordHasher {
  /** The PHC string (argon2id) of a password. */
  hash(password: string): Promise<string>;
  /** Says whether the password is the hash's; without a hash it works as long and says no, so that timing tells nothing. */
  verify(passwordHash: string | undefined, password: string): Promise<boolean>;
  /** Says whether a hash was made with other parameters than new ones are. */
  isOutdated(passwordHash: string): boolean;
}

/** Cost of a hash. */
export interface HashParameters {
  readonly memoryKib: number;
  readonly passes: number;
  readonly lanes: number;
}

/** What {@link createPasswordHasher} may be given. */
export interface PasswordHasherOptions {
  readonly parameters?: HashParameters;
  /** Hashes at the same time; each takes the parameters' memory. */
  readonly concurrency?: number;
  /** Callers that may wait for their turn; more are refused. */
  readonly maxWaiting?: number;
}

/** OWASP's minimum for argon2id: 19 MiB, two passes, one lane. */
export const defaultHashParameters: HashParameters = { memoryKib: 19_456, passes: 2, lanes: 1 };

/** A hasher over argon2id (RFC 9106). */
export async function createPasswordHasher(options: PasswordHasherOptions = {}): Promise<PasswordHasher> {
  const { parameters = defaultHashParameters, concurrency = 2, maxWaiting = 200 } = options;
  const limit = createLimit(concurrency, maxWaiting);
  const cost = { memoryCost: parameters.memoryKib, timeCost: parameters.passes, parallelism: parameters.lanes };
  const nobodysHash = await hash("nobody", cost);
  return {
    hash: (password) => limit(() => hash(normalise(password), cost)),
    verify: async (passwordHash, password) => {
      const isRight = await limit(() => verify(passwordHash ?? nobodysHash, normalise(password)));
      return isRight && passwordHash !== undefined;
    },
    isOutdated(passwordHash) {
      const made = parseOptions(passwordHash);
      return made.memoryCost !== cost.memoryCost || made.timeCost !== cost.timeCost ||
        made.parallelism !== cost.parallelism;
    },
  };
}

/** The same characters typed on another keyboard are the same password (NIST SP 800-63B §3.1.1.2). */
function normalise(password: string): string {
  return password.normalize("NFKC");
}

function createLimit(concurrency: number, maxWaiting: number): <T>(task: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (task) => {
    if (running >= concurrency) {
      if (waiting.length >= maxWaiting) throw tooBusy(waiting.length);
      // The one that ends hands its turn over, so `running` stays as it is.
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else running++;
    try {
      return await task();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running--;
      else next();
    }
  };
}

function tooBusy(waiting: number): PlatformError {
  return new PlatformError(
    "rate-limited",
    `Cannot check the password now: ${waiting} others wait already, expected a new try in a second`,
    { details: { retryAfterSeconds: 1 } },
  );
}
