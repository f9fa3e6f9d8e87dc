import { Buffer } from "node:buffer";
import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import type { Fetch } from "#shared/contract/client.ts";

/** A `fetch` over sockets of its own. */
export interface NodeFetch extends Disposable {
  readonly fetch: Fetch;
}

/**
 * A `fetch` that trusts the given CA (PEM) for https, TLS 1.3 at least. The runtimes' own `fetch` has no common way to trust a
 * private CA, and Node's ends a log stream that is silent for five minutes. Disposing it closes idle connections.
 */
export function createNodeFetch(options: { readonly ca?: string } = {}): NodeFetch {
  const httpAgent = new HttpAgent({ keepAlive: true });
  const httpsAgent = new HttpsAgent({
    keepAlive: true,
    minVersion: "TLSv1.3",
    ...(options.ca === undefined ? {} : { ca: options.ca }),
  });
  return {
    fetch: async (request) => {
      const body = request.body === null ? undefined : Buffer.from(await request.arrayBuffer());
      const { promise, resolve, reject } = Promise.withResolvers<Response>();
      const head = {
        method: request.method,
        headers: {
          ...Object.fromEntries(request.headers),
          ...(body === undefined ? {} : { "content-length": body.byteLength }),
        },
        signal: request.signal,
      };
      const onResponse = (answer: IncomingMessage) => resolve(toResponse(answer));
      const outgoing = request.url.startsWith("https:")
        ? requestHttps(request.url, { ...head, agent: httpsAgent }, onResponse)
        : requestHttp(request.url, { ...head, agent: httpAgent }, onResponse);
      outgoing.on("error", reject);
      outgoing.end(body);
      return promise;
    },
    [Symbol.dispose]() {
      httpAgent.destroy();
      httpsAgent.destroy();
    },
  };
}

function toResponse(answer: IncomingMessage): Response {
  const status = answer.statusCode ?? 502;
  const headers = new Headers();
  for (const [name, value] of Object.entries(answer.headers)) {
    for (const one of Array.isArray(value) ? value : [value ?? ""]) headers.append(name, one);
  }
  // Fetch standard: a response with one of these statuses has no body.
  if (status === 204 || status === 205 || status === 304) {
    answer.resume();
    return new Response(null, { status, headers });
  }
  return new Response(toWebStream(answer), { status, headers });
}

function toWebStream(answer: IncomingMessage): ReadableStream<Uint8Array> {
  const chunks = answer[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await chunks.next();
      if (done === true) controller.close();
      else controller.enqueue(new Uint8Array(value));
    },
    async cancel() {
      await chunks.return?.();
    },
  });
}
