import { Buffer } from "node:buffer";
import type { BackendFailure, BackendRequest, BackendStream, Fields, ResponseHead } from "../../l7/streams.ts";
import type { OpenBackend } from "./join-streams.ts";

/** What came of a request to a backend. */
export interface BackendAnswer {
  readonly head: ResponseHead | undefined;
  readonly body: string;
  readonly trailers: Fields | undefined;
  readonly failure: BackendFailure | undefined;
  readonly informational: readonly number[];
}

/** A request under way. */
export interface BackendAsk {
  readonly stream: BackendStream;
  readonly answer: Promise<BackendAnswer>;
  /** Resolves when a head came. */
  readonly head: Promise<ResponseHead>;
}

/** A GET of `/` at a.test. */
export const plainRequest: BackendRequest = {
  method: "GET",
  path: "/",
  authority: "a.test",
  fields: [],
  bodyLength: 0,
  expectsContinue: false,
  acceptsTrailers: true,
  upgrade: undefined,
};

/** Sends a request, and its body as soon as the connection stands. */
export function askBackend(open: OpenBackend, request: Partial<BackendRequest> = {}, body?: string): BackendAsk {
  const { promise, resolve } = Promise.withResolvers<BackendAnswer>();
  const headed = Promise.withResolvers<ResponseHead>();
  const chunks: Buffer[] = [];
  const informational: number[] = [];
  let head: ResponseHead | undefined;
  const opened: { stream?: BackendStream } = {};
  const finish = (end: { readonly trailers?: Fields; readonly failure?: BackendFailure }) => {
    const { trailers, failure } = end;
    resolve({ head, body: Buffer.concat(chunks).toString(), trailers, failure, informational });
  };
  const sendBody = () => {
    if (body === undefined) return;
    opened.stream?.sendData(Buffer.from(body));
    opened.stream?.sendEnd([]);
  };
  const stream = opened.stream = open({ ...plainRequest, ...request }, {
    onConnected: () => queueMicrotask(sendBody),
    onInformational: (status) => void informational.push(status),
    onResponse(response) {
      head = response;
      headed.resolve(response);
    },
    onResponseData: (chunk) => void chunks.push(chunk),
    onResponseEnd: (trailers) => finish({ trailers }),
    onRequestDrain() {},
    onFailed: (failure) => finish({ failure }),
  });
  return { stream, answer: promise, head: headed.promise };
}
