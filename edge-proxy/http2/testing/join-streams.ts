import { Buffer } from "node:buffer";
import process from "node:process";
import {
  type BackendFailure,
  type BackendRequest,
  type BackendStream,
  type BackendStreamEvents,
  type ClientStream,
  type ClientStreamEvents,
  resetCodes,
  type ServeStream,
} from "../../l7/streams.ts";

/** Sends a request to some backend. */
export type OpenBackend = (request: BackendRequest, events: BackendStreamEvents) => BackendStream;

/** What {@link joinStreams} tells a test. */
export interface JoinHooks {
  readonly onFailed?: (failure: BackendFailure) => void;
  readonly onClientClosed?: (code: number) => void;
}

/** The simplest exchange there is: everything of a client goes to one backend and back, failures become a status or a reset. */
export function joinStreams(open: OpenBackend, hooks: JoinHooks = {}): ServeStream {
  return (client) => join(client, open, hooks);
}

function join(client: ClientStream, open: OpenBackend, hooks: JoinHooks): ClientStreamEvents {
  let hasHead = false;
  const side: { backend?: BackendStream } = {};
  const events: BackendStreamEvents = {
    onConnected: () => process.nextTick(() => client.resumeRequest()),
    onInformational: (status, fields) => client.sendInformational(status, fields),
    onResponse(head) {
      hasHead = true;
      client.sendHead(head, false);
    },
    onResponseData(chunk) {
      if (!client.sendData(chunk)) side.backend?.pauseResponse();
    },
    onResponseEnd: (trailers) => client.sendEnd(trailers),
    onRequestDrain: () => client.resumeRequest(),
    onFailed(failure) {
      hooks.onFailed?.(failure);
      if (hasHead || failure.resetCode !== undefined) {
        return client.reset(failure.resetCode ?? resetCodes.internalError);
      }
      answer(client, failure.status);
    },
  };
  side.backend = open({ ...client.request }, events);
  if (client.request.bodyLength === 0 && client.request.upgrade === undefined) side.backend.sendEnd([]);
  return {
    onRequestData(chunk) {
      if (side.backend?.sendData(chunk) === false) client.pauseRequest();
    },
    onRequestEnd: (trailers) => side.backend?.sendEnd(trailers),
    onResponseDrain: () => side.backend?.resumeResponse(),
    onRequestFault: (status) => answer(client, status),
    onClientClosed(code) {
      hooks.onClientClosed?.(code);
      side.backend?.reset(code);
    },
  };
}

/** Answers `client` with a status, and a text. */
export function answer(client: ClientStream, status: number, text = ""): void {
  const body = Buffer.from(text);
  client.sendHead({ status, fields: [], contentLength: body.length, hasBody: body.length > 0, isTunnel: false }, false);
  if (body.length > 0) client.sendData(body);
  client.sendEnd([]);
}
