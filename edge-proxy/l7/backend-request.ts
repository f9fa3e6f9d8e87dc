import type { BelievedClient } from "./context.ts";
import { toForwardedFields } from "./forwarded-fields.ts";
import type { BackendRequest, ClientStream, Fields } from "./streams.ts";
import { withHandshakeKey } from "./websocket.ts";

/** What a backend is told besides what the client asked. */
export interface BackendFacts {
  readonly believed: BelievedClient;
  readonly requestId: string;
  /** The request's fields, or those that replace them. */
  readonly fields: Fields;
}

/** The rebuilt request for a backend (S12): nothing of the client's framing is copied. */
export function buildBackendRequest({ request, origin }: ClientStream, facts: BackendFacts): BackendRequest {
  const { believed, requestId } = facts;
  const fields = toForwardedFields({ request, origin, fields: facts.fields, believed, requestId });
  const isUpgrade = request.upgrade !== undefined;
  return {
    method: isUpgrade ? "GET" : request.method,
    path: request.path,
    authority: request.authority,
    fields: isUpgrade ? withHandshakeKey(fields) : fields,
    bodyLength: isUpgrade ? 0 : request.bodyLength,
    expectsContinue: request.expectsContinue,
    acceptsTrailers: request.acceptsTrailers,
    upgrade: request.upgrade,
  };
}
