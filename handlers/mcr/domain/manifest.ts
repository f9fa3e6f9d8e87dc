import { z } from "zod";
import { Digest } from "./digest.ts";
import { ociError } from "./oci-error.ts";

/** Largest manifest, in bytes: the spec asks for 4 megabytes at least. */
export const maxManifestBytes = 4 * 1024 * 1024;

/** Media types of image manifests and of indexes that are understood. */
const mediaTypes = {
  "application/vnd.oci.image.manifest.v1+json": "image",
  "application/vnd.docker.distribution.manifest.v2+json": "image",
  "application/vnd.oci.image.index.v1+json": "index",
  "application/vnd.docker.distribution.manifest.list.v2+json": "index",
} as const;

const Descriptor = z.object({ mediaType: z.string().min(1).max(256), digest: Digest, size: z.int().min(0) });
const common = {
  schemaVersion: z.literal(2),
  mediaType: z.string().optional(),
  artifactType: z.string().max(256).optional(),
  subject: Descriptor.optional(),
  annotations: z.record(z.string(), z.string()).optional(),
};
// A manifest that reads both as image and as index means different things to different clients (CVE-2021-41190): refused.
const absent = z.undefined().optional();
const Image = z.object({
  ...common,
  manifests: absent,
  config: Descriptor,
  layers: z.array(Descriptor).max(4096).default([]),
});
const Index = z.object({ ...common, config: absent, layers: absent, manifests: z.array(Descriptor).max(4096) });

/** What the registry needs to know of a manifest; the bytes are kept as they came. */
export interface ManifestFacts {
  readonly mediaType: string;
  /** Config and layers that must be in the repository. */
  readonly blobs: readonly Digest[];
  /** Manifests that an index lists. */
  readonly children: readonly Digest[];
  /** The manifest that this one refers to; it need not exist. */
  readonly subject: Digest | undefined;
  /** Type shown in the referrers list: an image without one shows its config's media type. */
  readonly artifactType: string | undefined;
  readonly annotations: Readonly<Record<string, string>>;
}

/**
 * The facts of a manifest pushed with a `Content-Type` (OCI image-spec, "Image Manifest" and "Image Index").
 * Layers that may not be distributed are not among its blobs, as clients never push them.
 *
 * @throws {PlatformError} invalid-request (MANIFEST_INVALID) — when it is not a manifest of an understood type
 */
export function parseManifest(content: Uint8Array, contentType: string): ManifestFacts {
  const kind = Object.entries(mediaTypes).find(([mediaType]) => mediaType === contentType)?.[1];
  if (kind === undefined) {
    throw invalid(`its media type is "${contentType.slice(0, 128)}"`, `one of ${Object.keys(mediaTypes).join(", ")}`);
  }
  const json = parseJson(content);
  const facts = kind === "image"
    ? imageFacts(parseAs(Image, json), contentType)
    : indexFacts(parseAs(Index, json), contentType);
  return facts;
}

function imageFacts(image: z.infer<typeof Image>, mediaType: string): ManifestFacts {
  const layers = image.layers.filter((layer) => !isNonDistributable(layer.mediaType));
  return {
    ...commonFacts(image, mediaType),
    blobs: [...new Set([image.config.digest, ...layers.map((layer) => layer.digest)])],
    children: [],
    artifactType: image.artifactType || image.config.mediaType,
  };
}

function indexFacts(index: z.infer<typeof Index>, mediaType: string): ManifestFacts {
  return {
    ...commonFacts(index, mediaType),
    blobs: [],
    children: [...new Set(index.manifests.map((child) => child.digest))],
    artifactType: index.artifactType || undefined,
  };
}

function commonFacts(
  manifest: z.infer<typeof Image> | z.infer<typeof Index>,
  mediaType: string,
): Pick<ManifestFacts, "mediaType" | "subject" | "annotations"> {
  if (manifest.mediaType !== undefined && manifest.mediaType !== mediaType) {
    throw invalid(`its mediaType is "${manifest.mediaType.slice(0, 128)}"`, `the Content-Type "${mediaType}"`);
  }
  return { mediaType, subject: manifest.subject?.digest, annotations: manifest.annotations ?? {} };
}

function isNonDistributable(mediaType: string): boolean {
  return mediaType.includes(".nondistributable.") || mediaType.includes(".foreign.");
}

function parseJson(content: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(content));
  } catch (cause) {
    throw invalid("it is not JSON", "a JSON object", cause);
  }
}

function parseAs<T extends z.ZodType>(schema: T, json: unknown): z.infer<T> {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.slice(0, 8).map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  throw invalid(problems.join("; "), "an OCI or Docker v2 manifest", parsed.error);
}

function invalid(found: string, expected: string, cause?: unknown): Error {
  return ociError("MANIFEST_INVALID", `Cannot store the manifest: ${found}, expected ${expected}`, { cause });
}
