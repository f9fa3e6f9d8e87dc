import type { BelievedClient } from "./context.ts";
import { toForwardedFields } from "./forwarded-fields.ts";
import type { BackendRequest, ClientStream, Fields } from "./streams.ts";
import { withHandshakeKey } from "./websocket.ts";

/** What a backend is asked, besides what the client asked. */
export interface BackendFacts {
  readonly believed: BelievedClient;
  readonly requestId: string;
  /** Fields that replace those of the client. */
  readonly added: Fields;
  /** Lower-case names of fields that a client may not send on this route. */
  readonly dropped: ReadonlySet<string> | undefined;
}

/** The rebuilt request for a backend (S12): nothing of the client's framing is copied. */
export function buildBackendRequest(client: ClientStream, facts: BackendFacts): BackendRequest {
  const { request, origin } = client;
  const forwarded = toForwardedFields({ request, origin, requestId: facts.requestId, ...facts.believed });
  const fields = facts.dropped === undefined ? forwarded : [...without(forwarded, facts.dropped), ...facts.added];
  return {
    method: request.upgrade === undefined ? request.method : "GET",
    path: request.path,
    authority: request.authority,
    fields: request.upgrade === undefined ? fields : withHandshakeKey(fields),
    bodyLength: request.upgrade === undefined ? request.bodyLength : 0,
    expectsContinue: request.expectsContinue,
    acceptsTrailers: request.acceptsTrailers,
    upgrade: request.upgrade,
  };
}

function without(fields: Fields, names: ReadonlySet<string>): string[] {
  return fields.filter((_, index) => !names.has((fields[index - (index % 2)] ?? "").toLowerCase()));
}
