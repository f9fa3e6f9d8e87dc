import { createServer } from "node:net";
import { PlatformError } from "#shared/errors/platform-error.ts";

/** Host ports given to instances (guide §3). */
export const portRange = { first: 10_000, last: 60_000 } as const;

/** What {@link findFreePorts} needs. */
export interface FreePortOptions {
  /** Ports that instances of ours own, whether they run or not. */
  readonly used: ReadonlySet<number>;
  /** Source of randomness in [0, 1); `Math.random` unless given. */
  readonly random?: () => number;
}

/**
 * Distinct host ports that nothing listens on, from a random start so that a port is not soon given to another service.
 *
 * @throws {PlatformError} unavailable — when there are not enough
 */
export async function findFreePorts(count: number, options: FreePortOptions): Promise<number[]> {
  const size = portRange.last - portRange.first + 1;
  const start = Math.floor((options.random ?? Math.random)() * size);
  const found: number[] = [];
  for (let step = 0; step < size && found.length < count; step++) {
    const port = portRange.first + ((start + step) % size);
    if (!options.used.has(port) && await isFree(port)) found.push(port);
  }
  if (found.length === count) return found;
  throw new PlatformError("unavailable", `Cannot allocate ${count} host ports: only ${found.length} are free`);
}

function isFree(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const server = createServer();
  server.once("error", () => resolve(false));
  server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(true)));
  return promise;
}
