import type { z } from "zod";
import { ImageTag, RepositoryName as RepositoryNameText } from "#shared/contract/mcr.ts";
import { type Digest, parseDigest } from "./digest.ts";
import { ociError } from "./oci-error.ts";

/** The name of a repository, such as `team/web` (OCI distribution-spec, "Pulling manifests"). */
export const RepositoryName = RepositoryNameText.brand<"RepositoryName">();
/** The name of a repository. */
export type RepositoryName = z.infer<typeof RepositoryName>;

/** A tag, such as `v1.0.0`. */
export const Tag = ImageTag.brand<"Tag">();
/** A tag. */
export type Tag = z.infer<typeof Tag>;

/** How a request names a manifest: by tag or by digest. */
export type Reference = { readonly tag: Tag } | { readonly digest: Digest };

/**
 * The repository name that `text` spells.
 *
 * @throws {PlatformError} invalid-request (NAME_INVALID) — when it is malformed or longer than 200 characters
 */
export function parseRepositoryName(text: string): RepositoryName {
  const parsed = RepositoryName.safeParse(text);
  if (parsed.success) return parsed.data;
  throw ociError(
    "NAME_INVALID",
    `Cannot use the repository name "${
      text.slice(0, 220)
    }": it is malformed, expected at most 200 lower-case letters, digits and single separators, such as team/web`,
  );
}

/**
 * The tag that `text` spells.
 *
 * @throws {PlatformError} invalid-request (TAG_INVALID) — when it is malformed
 */
export function parseTag(text: string): Tag {
  const parsed = Tag.safeParse(text);
  if (parsed.success) return parsed.data;
  throw ociError(
    "TAG_INVALID",
    `Cannot use the tag "${text.slice(0, 140)}": it is malformed, expected up to 128 letters, digits, "_", "." and "-"`,
  );
}

/**
 * The tag or digest that `text` spells; whatever holds a `:` is meant as a digest, as tags cannot.
 *
 * @throws {PlatformError} invalid-request (DIGEST_INVALID, TAG_INVALID) — when it is neither
 */
export function parseReference(text: string): Reference {
  return text.includes(":") ? { digest: parseDigest(text) } : { tag: parseTag(text) };
}

/**
 * The repository and reference of `<repository>:<tag>` or `<repository>@<digest>`.
 *
 * @throws {PlatformError} invalid-request — when a part is missing or malformed
 */
export function parseImageReference(
  text: string,
): { readonly repository: RepositoryName; readonly reference: Reference } {
  const at = text.indexOf("@");
  const colon = text.lastIndexOf(":");
  const cut = at >= 0 ? at : colon;
  if (cut < 0) {
    throw ociError(
      "NAME_INVALID",
      `Cannot resolve "${text}": it has no tag, expected <repository>:<tag> or <repository>@<digest>`,
    );
  }
  const repository = parseRepositoryName(text.slice(0, cut));
  const rest = text.slice(cut + 1);
  return { repository, reference: at >= 0 ? { digest: parseDigest(rest) } : { tag: parseTag(rest) } };
}

/** The reference as it stands in a path. */
export function formatReference(reference: Reference): string {
  return "tag" in reference ? reference.tag : reference.digest;
}
