import { z } from "zod";
import { type Access, type Endpoint, endpoint, type Nothing } from "./endpoint.ts";

/** Query of a feed: the revision that the subscriber has, 0 for none. */
export const FeedQuery = z.object({ since: z.coerce.number().int().min(0).default(0) });

/** What tells one feed from another. */
export interface FeedEndpointsOptions<P extends z.ZodType, Q extends z.ZodType> {
  /** Name in operation ids: `feed.<name>`. */
  readonly name: string;
  /** Path below `/v1/feed/`, such as `zones` or `node/{node}`. */
  readonly topic: string;
  /** As in `Follow <what>`. */
  readonly what: string;
  readonly access: Access;
  readonly params: P;
  readonly query: Q;
}

/** An endpoint that answers with frames of a feed. */
export type FeedEndpoint<P extends z.ZodType, Q extends z.ZodType> =
  & Endpoint<P, Q, typeof Nothing, typeof Nothing>
  & { readonly answerKind: "raw" };

/**
 * The two ways to follow a feed: `poll` gives one frame, after a wait when asked for (`GET /v1/feed/<topic>`); `stream` gives frames for
 * as long as the subscriber stays (`GET /v1/feed/<topic>/stream`).
 */
export function feedEndpoints<P extends z.ZodType, Q extends z.ZodType>(
  options: FeedEndpointsOptions<P, Q>,
): { readonly poll: FeedEndpoint<P, Q>; readonly stream: FeedEndpoint<P, Q> } {
  const { name, topic, what, access, params, query } = options;
  const path = `/v1/feed/${topic}`;
  const common = { method: "GET", access, params, query, answerKind: "raw" } as const;
  return {
    poll: endpoint({ ...common, id: `feed.${name}`, path, summary: `Follow ${what}` }),
    stream: endpoint({
      ...common,
      id: `feed.${name}.stream`,
      path: `${path}/stream`,
      summary: `Follow ${what} on one connection`,
    }),
  };
}
