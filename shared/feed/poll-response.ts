import { Buffer } from "node:buffer";
import { decodeCbor, encodeFrame } from "../wire/cbor.ts";
import type { FeedFrame } from "./frame.ts";

const maxWaitSeconds = 60;

/** How long a request wants to wait for a change, from `Prefer: wait=N` (RFC 7240 §4.3); 0 without, at most 60 s. */
export function waitMsOf(request: Request): number {
  const match = /(?:^|[,;\s])wait=(\d{1,4})/.exec(request.headers.get("prefer") ?? "");
  return Math.min(Number(match?.[1] ?? 0), maxWaitSeconds) * 1000;
}

/** One frame as the answer of a poll: a CBOR sequence, or JSON for people who ask for it. The ETag is the revision. */
export function toPollResponse(frame: FeedFrame, request: Request): Response {
  const headers = { etag: `"${frame.revision}"`, "cache-control": "no-store", vary: "accept" };
  if (request.headers.get("accept")?.includes("application/json")) {
    return Response.json({
      kind: frame.kind,
      revision: frame.revision,
      digest: Buffer.from(frame.digest).toString("hex"),
      entries: frame.entries.map(([key, value]) => ({ key, value: value === null ? null : decodeCbor(value) })),
    }, { headers });
  }
  return new Response(encodeFrame(frame), { headers: { ...headers, "content-type": "application/cbor-seq" } });
}
