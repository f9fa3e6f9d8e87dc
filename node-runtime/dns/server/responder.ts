import type { Log } from "#shared/log/log.ts";
import { answerSpecialName } from "../forward/special-names.ts";
import type { AddressCheck } from "../forward/client-networks.ts";
import type { Forwarded, Forwarder } from "../forward/forwarder.ts";
import { classIn, extendedErrors, flags, rcodes, recordTypes } from "../wire/codes.ts";
import { parseQuery, type Query } from "../wire/parse-query.ts";
import type { ResourceRecord } from "../wire/record.ts";
import {
  type Answer,
  emptyAnswer,
  encodeErrorReply,
  encodeTemplate,
  type FinishOptions,
  finishReply,
  type ReplyTemplate,
  udpLimitBytes,
} from "../wire/reply.ts";
import { maxMessageBytes } from "../wire/message-writer.ts";
import type { ZoneReply, ZoneTable } from "../zones/zone-table.ts";
import type { AnswerSource, DnsMetrics, Transport } from "./metrics.ts";

/** Where a message came from. */
export interface Client {
  readonly address: string;
  readonly transport: Transport;
}

/** The bytes to send back, now or later; `undefined` means silence. */
export type Reply = Uint8Array | undefined;

/** Answers messages, whatever carries them. */
export interface Responder {
  /** The reply to any bytes. Never throws and never rejects; what our zones or the cache can answer comes at once. */
  respond(bytes: Uint8Array, client: Client): Reply | Promise<Reply>;
}

/** What {@link createResponder} needs. */
export interface ResponderOptions {
  readonly zones: ZoneTable;
  /** Absent when there is no upstream server. */
  readonly forwarder: Forwarder | undefined;
  /** Who may use the forwarder (RFC 5358). */
  readonly mayForward: AddressCheck;
  readonly metrics: DnsMetrics;
  readonly log: Log;
}

/** A responder for these zones and this forwarder. */
export function createResponder(options: ResponderOptions): Responder {
  return new ZoneResponder(options);
}

class ZoneResponder implements Responder {
  readonly #options: ResponderOptions;

  constructor(options: ResponderOptions) {
    this.#options = options;
  }

  respond(bytes: Uint8Array, client: Client): Reply | Promise<Reply> {
    const parsed = parseQuery(bytes);
    switch (parsed.kind) {
      case "drop":
        this.#options.metrics.countDrop(client.transport, parsed.reason);
        return undefined;
      case "error":
        this.#options.metrics.countReply(client.transport, "refused", parsed.rcode);
        return encodeErrorReply(parsed.rcode, parsed.head);
      case "query":
        return this.#answerSafely(parsed.query, client);
    }
  }

  #answerSafely(query: Query, client: Client): Reply | Promise<Reply> {
    const onError = (error: unknown) => {
      this.#options.log.error("a query could not be answered", { error });
      this.#options.metrics.countReply(client.transport, "refused", rcodes.SERVFAIL);
      return encodeErrorReply(rcodes.SERVFAIL, query);
    };
    try {
      const reply = this.#answer(query, client);
      return reply instanceof Promise ? reply.catch(onError) : reply;
    } catch (error) {
      return onError(error);
    }
  }

  #answer(query: Query, client: Client): Uint8Array | Promise<Uint8Array> {
    const { zones, forwarder, mayForward, metrics } = this.#options;
    if (query.trailingBytes > 0) metrics.countTrailingBytes();
    const finish = { query, client, recursionAvailable: forwarder !== undefined && mayForward(client.address) };
    const refusal = refusalFor(query, client.transport);
    if (refusal !== undefined) return this.#refuse(finish, refusal);
    const own = zones.find(query);
    if (own !== undefined) return this.#answerFromZones(finish, own);
    if (forwarder === undefined) return this.#refuse(finish, rcodes.REFUSED, extendedErrors.notAuthoritative);
    const mayRecurse = finish.recursionAvailable && (query.flags & flags.RD) !== 0;
    return mayRecurse
      ? this.#answerElsewhere(finish, forwarder)
      : this.#refuse(finish, rcodes.REFUSED, extendedErrors.prohibited);
  }

  #answerElsewhere(finish: Finish, forwarder: Forwarder): Uint8Array | Promise<Uint8Array> {
    const { query } = finish;
    const special = answerSpecialName(query);
    if (special !== undefined) return this.#send(finish, "local", encodeTemplate(query.question, special));
    const cached = forwarder.findCached(query, query);
    if (cached !== undefined) return this.#send(finish, "cache", cached.template, cached.ageSeconds);
    return this.#timed(forwarder.resolve(query, query)).then(({ template, ageSeconds }) =>
      this.#send(finish, "upstream", template, ageSeconds)
    );
  }

  #answerFromZones(finish: Finish, own: ZoneReply): Uint8Array | Promise<Uint8Array> {
    const { forwarder } = this.#options;
    const isAsked = finish.recursionAvailable && (finish.query.flags & flags.RD) !== 0;
    if (own.openTarget === undefined || forwarder === undefined || !isAsked) {
      return this.#send(finish, "zone", own.template);
    }
    return this.#completeChain(finish, own, forwarder);
  }

  /** Stub resolvers do not follow aliases themselves, so the rest of a chain that leaves our zones is asked for them. */
  async #completeChain(finish: Finish, own: ZoneReply, forwarder: Forwarder): Promise<Uint8Array> {
    const { query } = finish;
    const target = { key: own.openTarget ?? query.key, type: query.type };
    const rest = answerSpecialName(target) ?? decayed(
      forwarder.findCached(target, query) ?? await this.#timed(forwarder.resolve(target, query)),
    );
    const answers = [...own.answer.answers, ...rest.answers];
    return this.#send(finish, "upstream", encodeTemplate(query.question, { ...rest, authoritative: true, answers }));
  }

  async #timed<T>(work: Promise<T>): Promise<T> {
    const startedAt = performance.now();
    const result = await work;
    this.#options.metrics.observeForward((performance.now() - startedAt) / 1000);
    return result;
  }

  #refuse(finish: Finish, rcode: number, extendedError?: number): Uint8Array {
    return this.#send(finish, "refused", encodeTemplate(finish.query.question, emptyAnswer(rcode, extendedError)));
  }

  #send(finish: Finish, source: AnswerSource, template: ReplyTemplate, ageSeconds = 0): Uint8Array {
    const { query, client, recursionAvailable } = finish;
    this.#options.metrics.countReply(client.transport, source, template.rcode);
    const limitBytes = client.transport === "udp" ? udpLimitBytes(query) : maxMessageBytes;
    return finishReply(template, query, { recursionAvailable, limitBytes, ageSeconds });
  }
}

interface Finish extends Pick<FinishOptions, "recursionAvailable"> {
  readonly query: Query;
  readonly client: Client;
}

/** The answer with TTLs as they are now: joined to another one, it is encoded anew. */
function decayed({ answer, ageSeconds }: Forwarded): Answer {
  const decay = (record: ResourceRecord) => ({ ...record, ttlSeconds: Math.max(0, record.ttlSeconds - ageSeconds) });
  return { ...answer, answers: answer.answers.map(decay), authority: answer.authority.map(decay) };
}

/** The response code for questions that no look-up answers: other classes, transfers, meta types (RFC 6895 §3.1, RFC 5936 §4.1). */
function refusalFor({ type, class: queryClass }: Query, transport: Transport): number | undefined {
  if (queryClass !== classIn) return rcodes.REFUSED;
  if (type === recordTypes.AXFR) return transport === "udp" ? rcodes.NOTIMP : rcodes.REFUSED;
  if (type === recordTypes.IXFR) return rcodes.REFUSED;
  if (type === recordTypes.OPT || type === 0) return rcodes.FORMERR;
  if (type >= 128 && type < recordTypes.ANY) return rcodes.NOTIMP;
  return undefined;
}
