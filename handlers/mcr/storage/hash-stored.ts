import { createHash, type Hash } from "node:crypto";
import type { DigestAlgorithm } from "../domain/digest.ts";
import type { BlobStorage } from "./blob-storage.ts";

/** A hash of all that is stored under a key, for when no running hash is at hand: after a restart, or for another algorithm. */
export async function hashStored(
  storage: Pick<BlobStorage, "read" | "sizeOf">,
  key: string,
  algorithm: DigestAlgorithm,
): Promise<Hash> {
  const hash = createHash(algorithm);
  const sizeBytes = await storage.sizeOf(key);
  if (sizeBytes === 0) return hash;
  const reader = (await storage.read(key, { first: 0, last: sizeBytes - 1 })).getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) hash.update(next.value);
  return hash;
}
