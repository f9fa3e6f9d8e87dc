import type { ErrorCode } from "#shared/errors/catalogue.ts";
import { type ErrorDetails, PlatformError } from "#shared/errors/platform-error.ts";

/** Error codes of the OCI distribution-spec ("Error Codes") with the platform code each stands for unless told otherwise. */
const platformCodes = {
  BLOB_UNKNOWN: "not-found",
  BLOB_UPLOAD_INVALID: "range-not-satisfiable",
  BLOB_UPLOAD_UNKNOWN: "not-found",
  DIGEST_INVALID: "invalid-request",
  MANIFEST_BLOB_UNKNOWN: "not-found",
  MANIFEST_INVALID: "invalid-request",
  MANIFEST_UNKNOWN: "not-found",
  NAME_INVALID: "invalid-request",
  NAME_UNKNOWN: "not-found",
  PAGINATION_NUMBER_INVALID: "invalid-request",
  SIZE_INVALID: "payload-too-large",
  TAG_INVALID: "invalid-request",
  UNAUTHORIZED: "unauthenticated",
  DENIED: "forbidden",
  UNSUPPORTED: "unsupported",
  TOOMANYREQUESTS: "rate-limited",
} as const satisfies Record<string, ErrorCode>;

/** An error code of the OCI error envelope. `TAG_INVALID` and `PAGINATION_NUMBER_INVALID` are Docker's, which the OCI list lacks. */
export type OciCode = keyof typeof platformCodes;

/** What goes with {@link ociError}. */
export interface OciErrorOptions {
  /** The platform code, which sets the HTTP status, where it is not the usual one of the OCI code. */
  readonly code?: ErrorCode;
  readonly details?: ErrorDetails;
  readonly cause?: unknown;
}

/** A platform error that the registry's edge renders with this OCI code. */
export function ociError(ociCode: OciCode, message: string, options: OciErrorOptions = {}): PlatformError {
  return new PlatformError(options.code ?? platformCodes[ociCode], message, {
    cause: options.cause,
    details: { ...options.details, ociCode },
  });
}

/** The OCI code of an error: its own, or the closest one for errors that come from elsewhere. */
export function ociCodeOf(error: PlatformError): OciCode | "UNKNOWN" {
  const named = error.details["ociCode"];
  if (isOciCode(named)) return named;
  if (error.httpStatus === 401) return "UNAUTHORIZED";
  if (error.httpStatus === 403) return "DENIED";
  if (error.httpStatus === 429) return "TOOMANYREQUESTS";
  return error.httpStatus >= 500 ? "UNKNOWN" : "UNSUPPORTED";
}

function isOciCode(value: unknown): value is OciCode {
  return typeof value === "string" && Object.hasOwn(platformCodes, value);
}
