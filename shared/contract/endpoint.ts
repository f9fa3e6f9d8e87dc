import { z } from "zod";
import type { ErrorCode } from "../errors/catalogue.ts";

/**
 * Who may call an endpoint. `public`: anyone. `authenticated`: any valid token. `user`: any but guests.
 * `admin`: the MCIAS admin role. `node`: a node's own token. `system`: a system account's token.
 * A list means any of them. What depends on the resource (a node's own name) is checked by the handler.
 */
export type Access = "public" | readonly Exclude<AccessKind, "public">[];
/** One way to be allowed. */
export type AccessKind = "public" | "authenticated" | "user" | "admin" | "node" | "system";

/** How a body travels. `json` is parsed; the others are handed over as they are. */
export type BodyKind = "json" | "form" | "stream" | "none";

/** One operation that a system offers: all that its handler, its client and its documentation share. */
export interface Endpoint<
  Params extends z.ZodType = z.ZodType,
  Query extends z.ZodType = z.ZodType,
  Body extends z.ZodType = z.ZodType,
  Answer extends z.ZodType = z.ZodType,
> {
  /** Operation id, `noun.verb`; also the audit log's action. */
  readonly id: string;
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** OpenAPI path template, such as `/v1/services/{service}`. */
  readonly path: string;
  /** One line for the documentation. */
  readonly summary: string;
  readonly access: Access;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly answer: Answer;
  readonly requestBody: BodyKind;
  /** `json` unless the handler answers with a Response of its own (streams, CBOR, PEM). */
  readonly answerKind: "json" | "raw";
  /** Status of a success; 204 when the answer is `z.undefined()`. */
  readonly status: number;
  readonly maxBodyBytes: number;
  /** Error codes beyond the ones every endpoint may answer with. */
  readonly errors: readonly ErrorCode[];
  /** Reads and high-rate reports are not written to the audit log unless they are denied. */
  readonly audited: boolean;
}

/** Shape of the answer of an endpoint that answers with nothing. */
export const Nothing = z.undefined();
/** Parameters or query of an endpoint that has none. */
export const Empty = z.object({});

/** What {@link endpoint} needs; the rest has defaults. */
export interface EndpointOptions<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, A extends z.ZodType> {
  readonly id: string;
  readonly method: Endpoint["method"];
  readonly path: string;
  readonly summary: string;
  readonly access: Access;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  readonly answer?: A;
  readonly requestBody?: BodyKind;
  readonly answerKind?: "json" | "raw";
  readonly status?: number;
  readonly maxBodyBytes?: number;
  readonly errors?: readonly ErrorCode[];
  readonly audited?: boolean;
}

/**
 * Declares an endpoint. There is no default for `access`: an endpoint that does not say who may call it does not exist.
 *
 * @example
 * ```ts
 * import { z } from "zod";
 * import { endpoint } from "#shared/contract/endpoint.ts";
 * const ping = endpoint({ id: "ping.get", method: "GET", path: "/v1/ping", summary: "Answers", access: "public", answer: z.object({ ok: z.boolean() }) });
 * console.assert(ping.status === 200 && !ping.audited);
 * ```
 */
export function endpoint<
  P extends z.ZodType = typeof Empty,
  Q extends z.ZodType = typeof Empty,
  B extends z.ZodType = typeof Nothing,
>(
  options: EndpointOptions<P, Q, B, typeof Nothing> & { readonly answerKind: "raw" },
): Endpoint<P, Q, B, typeof Nothing> & { readonly answerKind: "raw" };
export function endpoint<
  P extends z.ZodType = typeof Empty,
  Q extends z.ZodType = typeof Empty,
  B extends z.ZodType = typeof Nothing,
  A extends z.ZodType = typeof Nothing,
>(options: EndpointOptions<P, Q, B, A>): Endpoint<P, Q, B, A>;
export function endpoint<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, A extends z.ZodType>(
  options: EndpointOptions<P, Q, B, A>,
): Endpoint<P, Q, B, A> {
  const answersNothing = options.answer === undefined && options.answerKind !== "raw";
  return {
    id: options.id,
    method: options.method,
    path: options.path,
    summary: options.summary,
    access: options.access,
    params: orDefault(options.params, Empty),
    query: orDefault(options.query, Empty),
    body: orDefault(options.body, Nothing),
    answer: orDefault(options.answer, Nothing),
    requestBody: options.requestBody ?? (options.body === undefined ? "none" : "json"),
    answerKind: options.answerKind ?? "json",
    status: options.status ?? (answersNothing ? 204 : 200),
    maxBodyBytes: options.maxBodyBytes ?? 1024 * 1024,
    errors: options.errors ?? [],
    audited: options.audited ?? options.method !== "GET",
  };
}

/** The given schema, or the fallback that its type parameter defaults to. */
// The overloads say which schema it is; inside, that one is either way a type parameter's default.
// deno-lint-ignore no-explicit-any
function orDefault(schema: z.ZodType | undefined, fallback: z.ZodType): any { // oxlint-disable-line typescript/no-explicit-any
  return schema ?? fallback;
}

/** All operations of one system, by a short name for its client. */
export type Contract = Readonly<Record<string, Endpoint>>;
