import { serve } from "@hono/node-server";
import { type Heartbeat, LogLine } from "#shared/contract/mcp.ts";
import { NodeReport } from "#shared/contract/state.ts";
import { emptyDigest, type FeedFrame, mixDigest } from "#shared/feed/frame.ts";
import { encodeCbor, encodeFrame } from "#shared/wire/cbor.ts";

type Controller = ReadableStreamDefaultController<Uint8Array>;

/** A control plane over real HTTP that keeps what an agent tells it. */
export class FakeControlPlane implements AsyncDisposable {
  /** Reports received, oldest first. */
  readonly reports: NodeReport[] = [];
  /** Heartbeats received. */
  readonly heartbeats: Heartbeat[] = [];
  /** Log lines received, by request id. */
  readonly lines = new Map<string, LogLine[]>();
  /** Bearer tokens seen. */
  readonly tokens = new Set<string>();
  readonly #state = new Map<string, unknown>();
  readonly #streams = new Set<Controller>();
  readonly #listening = Promise.withResolvers<number>();
  readonly #server = serve(
    { fetch: (request) => this.#answer(request), hostname: "127.0.0.1", port: 0 },
    ({ port }) => this.#listening.resolve(port),
  );
  #revision = 0;
  #isCut = false;

  /** Its origin, once it listens. */
  async url(): Promise<string> {
    return `http://127.0.0.1:${await this.#listening.promise}`;
  }

  /** Changes the feed; `null` removes a key. */
  write(entries: Readonly<Record<string, unknown>>): void {
    for (const [key, value] of Object.entries(entries)) {
      if (value === null) this.#state.delete(key);
      else this.#state.set(key, value);
    }
    this.#revision++;
    for (const controller of this.#streams) controller.enqueue(encodeFrame(this.#snapshot()));
  }

  /** Cuts the feed and refuses everything until it is called with false. */
  cut(isCut: boolean): void {
    this.#isCut = isCut;
    if (isCut) this.#closeStreams();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closeStreams();
    const closed = Promise.withResolvers<void>();
    this.#server.close(() => closed.resolve());
    if ("closeAllConnections" in this.#server) this.#server.closeAllConnections();
    await closed.promise;
  }

  #closeStreams(): void {
    for (const controller of this.#streams) controller.close();
    this.#streams.clear();
  }

  #snapshot(): FeedFrame {
    const entries = [...this.#state].map(([key, value]): [string, Uint8Array] => [key, encodeCbor(value)]);
    const digest = entries.reduce((sum, [key, value]) => mixDigest(sum, key, value), emptyDigest());
    return { kind: "snapshot", revision: this.#revision, digest, entries };
  }

  async #answer(request: Request): Promise<Response> {
    if (this.#isCut) return new Response("cut", { status: 503 });
    const { pathname } = new URL(request.url);
    this.tokens.add(request.headers.get("authorization") ?? "");
    if (pathname.endsWith("/stream")) return this.#openFeed();
    if (pathname.endsWith("/heartbeat")) {
      this.heartbeats.push(await request.json());
      return Response.json({ leaseSeconds: 15 });
    }
    if (pathname.endsWith("/report")) this.reports.push(NodeReport.parse(await request.json()));
    else await this.#readLines(pathname.split("/").at(-1) ?? "", request).catch(() => undefined);
    return new Response(null, { status: 204 });
  }

  #openFeed(): Response {
    let own: Controller | undefined;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        own = controller;
        this.#streams.add(controller);
        if (this.#revision > 0) controller.enqueue(encodeFrame(this.#snapshot()));
      },
      cancel: () => {
        if (own !== undefined) this.#streams.delete(own);
      },
    });
    return new Response(body, { headers: { "content-type": "application/cbor-seq" } });
  }

  async #readLines(requestId: string, request: Request): Promise<void> {
    const kept = this.lines.get(requestId) ?? [];
    this.lines.set(requestId, kept);
    const decoder = new TextDecoder();
    let pending = "";
    for await (const bytes of request.body ?? []) {
      const parts = (pending + decoder.decode(bytes, { stream: true })).split("\n");
      pending = parts.pop() ?? "";
      for (const line of parts) kept.push(LogLine.parse(JSON.parse(line)));
    }
  }
}
