import { Buffer } from "node:buffer";

/** Size for bulk, which is also the most that one read gives. */
const largeBytes = 64 * 1024;
/** Size for requests and answers, so that an idle connection does not hold a large one. */
const smallBytes = 8 * 1024;
/** Most large buffers kept for later: 8 MiB. */
const maxPooled = 128;

const pool: Buffer[] = [];

/** Hands out the buffer that the next read of one connection goes into. */
export interface ReadBuffers {
  /** The buffer for the next read. */
  next(): Buffer;
  /** Says that a read filled so many bytes of {@link next}'s buffer, and whether they are still in use. */
  took(sizeBytes: number, isInUse: boolean): void;
}

/**
 * Buffers for one connection: small ones until a read fills one, then large ones from a pool of the process, until reads get small.
 * A buffer whose bytes are in use is not handed out again; give a large one back with {@link releaseBuffer}.
 */
export function createReadBuffers(): ReadBuffers {
  let current: Buffer = Buffer.allocUnsafeSlow(smallBytes);
  return {
    next: () => current,
    took(sizeBytes, isInUse) {
      const isLarge = current.length === largeBytes;
      const wantsLarge = isLarge ? sizeBytes >= smallBytes : sizeBytes === smallBytes;
      if (!isInUse && wantsLarge === isLarge) return;
      if (!isInUse) releaseBuffer(current);
      current = wantsLarge ? pool.pop() ?? Buffer.allocUnsafeSlow(largeBytes) : Buffer.allocUnsafeSlow(smallBytes);
    },
  };
}

/** Takes back a large buffer whose bytes nobody uses any more; others are left to the garbage collector. */
export function releaseBuffer(buffer: Buffer): void {
  if (buffer.length === largeBytes && pool.length < maxPooled) pool.push(buffer);
}
