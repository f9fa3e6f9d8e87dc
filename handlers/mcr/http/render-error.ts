import type { PlatformError } from "#shared/errors/platform-error.ts";
import { ociCodeOf } from "../domain/oci-error.ts";

/** The error as the registry API answers it (OCI distribution-spec, "Error Codes"). */
export function toOciErrorResponse(error: PlatformError, requestId: string): Response {
  const { ociCode: _ociCode, ...detail } = error.details;
  const body = {
    errors: [{ code: ociCodeOf(error), message: error.message, detail: { ...detail, reason: error.code, requestId } }],
  };
  const headers = new Headers({ "content-type": "application/json", "cache-control": "no-store" });
  const copied = { "retry-after": detail["retryAfterSeconds"], allow: detail["allowed"], range: detail["range"] };
  for (const [name, value] of Object.entries(copied)) {
    if (typeof value === "string" || typeof value === "number") headers.set(name, String(value));
  }
  if (error.httpStatus === 416 && typeof detail["sizeBytes"] === "number") {
    headers.set("content-range", `bytes */${detail["sizeBytes"]}`);
  }
  return new Response(JSON.stringify(body), { status: error.httpStatus, headers });
}
