import { z } from "zod";
import { ContentDigest } from "#shared/contract/mcr.ts";
import { ociError } from "./oci-error.ts";

/** A content digest in the registry: `sha256:` or `sha512:` and lower-case hex digits (OCI image-spec, "Digests"). */
export const Digest = ContentDigest.brand<"Digest">();
/** A content digest in the registry. */
export type Digest = z.infer<typeof Digest>;

/** A hash that the registry computes. */
export const DigestAlgorithm = z.enum(["sha256", "sha512"]);
/** A hash that the registry computes. */
export type DigestAlgorithm = z.infer<typeof DigestAlgorithm>;

/**
 * The digest that `text` spells.
 *
 * @throws {PlatformError} invalid-request (DIGEST_INVALID) — when it is malformed or of another algorithm
 */
export function parseDigest(text: string): Digest {
  const parsed = Digest.safeParse(text);
  if (parsed.success) return parsed.data;
  throw ociError(
    "DIGEST_INVALID",
    `Cannot use the digest "${
      text.slice(0, 160)
    }": it is malformed, expected sha256:<64 hex digits> or sha512:<128 hex digits>`,
  );
}

/**
 * The algorithm that `text` names (`digest-algorithm` of an upload).
 *
 * @throws {PlatformError} invalid-request (DIGEST_INVALID) — when it is another
 */
export function parseDigestAlgorithm(text: string): DigestAlgorithm {
  const parsed = DigestAlgorithm.safeParse(text);
  if (parsed.success) return parsed.data;
  throw ociError(
    "DIGEST_INVALID",
    `Cannot use the digest algorithm "${text.slice(0, 32)}": it is not supported, expected sha256 or sha512`,
  );
}

/** The algorithm of a digest. */
export function algorithmOf(digest: Digest): DigestAlgorithm {
  return digest.startsWith("sha512:") ? "sha512" : "sha256";
}
