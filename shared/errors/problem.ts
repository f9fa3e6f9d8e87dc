import { z } from "zod";
import { isErrorCode } from "./catalogue.ts";
import { PlatformError } from "./platform-error.ts";

/** RFC 9457 problem document, with the platform's `code`, `requestId` and `details`. */
export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  requestId: z.string().optional(),
  details: z.record(z.string(), z.unknown()).optional(),
});
/** RFC 9457 problem document. */
export type Problem = z.infer<typeof Problem>;

/** The media type of problem documents (RFC 9457 §6.1). */
export const problemMediaType = "application/problem+json";

/** The problem document for an error (RFC 9457 §3); `requestId` lets an operator find the log line. */
export function toProblem(error: PlatformError, requestId?: string): Problem {
  return {
    type: `urn:metacircular:error:${error.code}`,
    title: error.entry.title,
    status: error.httpStatus,
    detail: error.message,
    code: error.code,
    ...(requestId === undefined ? {} : { requestId }),
    ...(Object.keys(error.details).length === 0 ? {} : { details: error.details }),
  };
}

/** The problem document as an HTTP response. */
export function toProblemResponse(error: PlatformError, requestId?: string): Response {
  const headers = new Headers({ "content-type": problemMediaType, "cache-control": "no-store" });
  if (error.httpStatus === 401) headers.set("www-authenticate", 'Bearer realm="metacircular"');
  const retryAfter = error.details["retryAfterSeconds"];
  if (typeof retryAfter === "number") headers.set("retry-after", String(retryAfter));
  return new Response(JSON.stringify(toProblem(error, requestId)), { status: error.httpStatus, headers });
}

/** The error that a remote system answered with, from its problem document or, failing that, its bare status. */
export async function fromProblemResponse(response: Response, action: string): Promise<PlatformError> {
  const text = await response.text().catch(() => "");
  const problem = Problem.safeParse(parseJsonOrUndefined(text));
  if (problem.success && isErrorCode(problem.data.code)) {
    const { code, detail, details, requestId } = problem.data;
    return new PlatformError(code, detail, { details: { ...details, ...(requestId ? { requestId } : {}) } });
  }
  return new PlatformError(
    response.status === 503 ? "unavailable" : "upstream-failed",
    `Cannot ${action}: the answer was HTTP ${response.status} without a problem document, expected a platform answer`,
    { details: { status: response.status, body: text.slice(0, 200) } },
  );
}

function parseJsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
