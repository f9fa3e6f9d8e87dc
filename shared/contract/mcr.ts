import { z } from "zod";
import { auditEndpoint } from "./audit.ts";
import { endpoint } from "./endpoint.ts";
import { Timestamp } from "./names.ts";

/** A repository's name: path components of lower-case letters and digits, joined by `/` (OCI distribution-spec, "Pulling manifests"). */
export const RepositoryName = z
  .string()
  .max(200)
  .regex(
    /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$/,
    "expected lower-case letters, digits and single separators, such as team/web",
  );

/** A tag: up to 128 letters, digits, `_`, `.` and `-` (OCI distribution-spec, "Pulling manifests"). */
export const ImageTag = z.string().regex(
  /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/,
  "expected up to 128 letters, digits, '_', '.', '-'",
);

/** A content digest of an algorithm that the registry computes: `sha256:` and 64, or `sha512:` and 128, lower-case hex digits. */
export const ContentDigest = z
  .string()
  .regex(/^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/, "expected sha256:<64 hex digits> or sha512:<128 hex digits>");

/** A tag of a repository and the manifest that it names. */
export const TaggedImage = z.object({ tag: ImageTag, digest: ContentDigest, sizeBytes: z.int(), updatedAt: Timestamp });
/** A tag of a repository and the manifest that it names. */
export type TaggedImage = z.infer<typeof TaggedImage>;

/** A repository that holds at least one manifest, with its tags in ASCII order (at most 1,000; the registry API pages further). */
export const ImageRepository = z.object({ repository: RepositoryName, tags: z.array(TaggedImage) });
/** A repository with its tags. */
export type ImageRepository = z.infer<typeof ImageRepository>;

/** What a reference stands for: the digest to pull, its media type and the size of the manifest itself. */
export const ResolvedImage = z.object({ digest: ContentDigest, mediaType: z.string(), sizeBytes: z.int() });
/** What a reference stands for. */
export type ResolvedImage = z.infer<typeof ResolvedImage>;

/** What MCR offers beside the OCI registry API (`/v2/…`, OCI distribution-spec): images by name, for the control plane and the CLI. */
export const mcrContract = {
  listImages: endpoint({
    id: "image.list",
    method: "GET",
    path: "/v1/images",
    summary: "List repositories with their tags",
    access: ["authenticated"],
    query: z.object({
      limit: z.coerce.number().int().min(1).max(1000).default(100),
      /** Continues behind this repository. */
      after: RepositoryName.optional(),
    }),
    answer: z.object({ images: z.array(ImageRepository) }),
  }),
  resolveImage: endpoint({
    id: "image.resolve",
    method: "GET",
    path: "/v1/images/resolve",
    summary: "Resolve an image reference to its digest",
    access: ["authenticated"],
    query: z.object({
      /** `<repository>:<tag>` or `<repository>@<digest>`, without the registry's host name. */
      reference: z.string().min(1).max(512),
    }),
    answer: ResolvedImage,
    errors: ["image-not-found"],
  }),
  listAudit: auditEndpoint("mcr"),
} as const;
