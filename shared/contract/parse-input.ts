import type { Context } from "hono";
import type { z } from "zod";
import { PlatformError } from "../errors/platform-error.ts";
import type { Endpoint } from "./endpoint.ts";

/**
 * The parsed params, query and body of a request. All problems are reported at once.
 *
 * @throws {PlatformError} invalid-request, unsupported-media-type — when the input is not what the endpoint says
 */
export async function parseInput<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, A extends z.ZodType>(
  context: Context,
  endpoint: Endpoint<P, Q, B, A>,
): Promise<{ params: z.output<P>; query: z.output<Q>; body: z.output<B> }> {
  const params = endpoint.params.safeParse(context.req.param());
  const query = endpoint.query.safeParse(context.req.query());
  const body = endpoint.body.safeParse(await readBody(context, endpoint));
  const problems = [
    ...problemsOf("path", params.error),
    ...problemsOf("query", query.error),
    ...problemsOf("body", body.error),
  ];
  if (!params.success || !query.success || !body.success) {
    throw new PlatformError("invalid-request", `Cannot ${lowerFirst(endpoint.summary)}: ${problems.join("; ")}`, {
      details: { problems },
    });
  }
  return { params: params.data, query: query.data, body: body.data };
}

async function readBody(context: Context, endpoint: Endpoint): Promise<unknown> {
  if (endpoint.requestBody === "none" || endpoint.requestBody === "stream") return undefined;
  const contentType = context.req.header("content-type") ?? "";
  const expected = endpoint.requestBody === "json" ? "application/json" : "application/x-www-form-urlencoded";
  if (contentType.split(";")[0]?.trim().toLowerCase() !== expected) {
    throw new PlatformError(
      "unsupported-media-type",
      `Cannot ${lowerFirst(endpoint.summary)}: the body is "${contentType}", expected ${expected}`,
    );
  }
  const text = await context.req.text();
  if (endpoint.requestBody === "form") return readForm(text);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new PlatformError("invalid-request", `Cannot ${lowerFirst(endpoint.summary)}: the body is not JSON`, {
      cause,
    });
  }
}

/** A repeated parameter is refused (RFC 6749 §3.1). */
function readForm(text: string): Record<string, string> {
  const form: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(text)) {
    if (Object.hasOwn(form, name)) {
      throw new PlatformError("invalid-request", `Cannot read the form: "${name}" is repeated, expected it once`);
    }
    form[name] = value;
  }
  return form;
}

/** One line for each problem: where, and what was expected. */
export function problemsOf(place: string, error: z.ZodError | undefined): string[] {
  return (error?.issues ?? []).map((issue) => {
    const path = [place, ...issue.path.map(String)].filter((part) => part !== "").join(".");
    return `${path}: ${lowerFirst(issue.message)}`;
  });
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
