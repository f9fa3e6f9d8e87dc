/** What a caller can know about one error code without reading its message. */
export interface ErrorEntry {
  /** HTTP status at every HTTP edge. */
  readonly httpStatus: number;
  /** Exit code of the CLI: 1 failed, 2 cancelled or wrong usage, 4 needs a (new) login. */
  readonly exitCode: 1 | 2 | 4;
  /** Whether the same request may succeed later without any change by the caller. */
  readonly retryable: boolean;
  /** RFC 9457 `title`: the same for every occurrence of the code. */
  readonly title: string;
}

function entry(httpStatus: number, title: string, options: Partial<ErrorEntry> = {}): ErrorEntry {
  return { httpStatus, exitCode: 1, retryable: false, title, ...options };
}

/**
 * Every error code of the platform, in one closed union.
 *
 * A code is a stable part of the API: clients branch on it. RFC 9457 problem
 * documents carry it as `code`; MCR and OAuth edges map it to their own words.
 */
export const errorCatalogue = {
  "invalid-request": entry(400, "The request is not valid"),
  "invalid-definition": entry(400, "The service definition is not valid"),
  "invalid-config": entry(400, "The configuration is not valid", { exitCode: 2 }),
  "invalid-usage": entry(400, "The command line is not valid", { exitCode: 2 }),
  "invalid-credentials": entry(401, "The credentials are wrong", { exitCode: 4 }),
  "unauthenticated": entry(401, "Authentication is needed", { exitCode: 4 }),
  "token-expired": entry(401, "The token has expired", { exitCode: 4 }),
  "forbidden": entry(403, "The caller may not do this"),
  "name-not-allowed": entry(403, "The caller may not have a certificate for this name"),
  "not-found": entry(404, "There is no such thing"),
  "image-not-found": entry(404, "The image is not in the registry"),
  "method-not-allowed": entry(405, "The method is not offered here"),
  "conflict": entry(409, "The current state does not allow this"),
  "digest-mismatch": entry(400, "The content does not have the digest it was announced with"),
  "payload-too-large": entry(413, "The request is larger than allowed"),
  "unsupported-media-type": entry(415, "The media type is not understood"),
  "range-not-satisfiable": entry(416, "The range does not continue what is stored"),
  "rate-limited": entry(429, "Too many requests", { retryable: true }),
  "cancelled": entry(499, "The operation was cancelled", { exitCode: 2 }),
  "internal": entry(500, "Something went wrong inside the platform"),
  "upstream-failed": entry(502, "Another system gave an unusable answer", { retryable: true }),
  "unavailable": entry(503, "A system that is needed cannot be reached", { retryable: true }),
  "sealed": entry(503, "The key store is sealed"),
  "timeout": entry(504, "The operation took longer than allowed", { retryable: true }),
  "build-failed": entry(500, "The image could not be built or pushed"),
  "deploy-failed": entry(500, "The deployment failed and the old version keeps serving"),
  "podman-failed": entry(502, "Podman refused the operation"),
  "unsupported": entry(501, "This is not supported"),
} as const satisfies Record<string, ErrorEntry>;

/** The closed union of error codes. */
export type ErrorCode = keyof typeof errorCatalogue;

/** Says whether `value` is one of the platform's error codes. */
export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === "string" && Object.hasOwn(errorCatalogue, value);
}
