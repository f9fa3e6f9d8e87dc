import { describeError } from "#shared/errors/platform-error.ts";
import type { Log } from "#shared/log/log.ts";
import { createBoundedCache } from "../bounded-cache.ts";
import { classIn, extendedErrors, flags, rcodes } from "../wire/codes.ts";
import { writeUint16 } from "../wire/bytes.ts";
import { keyToName } from "../wire/name.ts";
import type { QueryHead } from "../wire/parse-query.ts";
import { concatBytes } from "../wire/record.ts";
import { type Answer, emptyAnswer, encodeTemplate, type ReplyTemplate } from "../wire/reply.ts";
import type { Question } from "../zones/answer-query.ts";
import { type EndpointAddress, endpointToText } from "./endpoint-address.ts";
import type { Exchange, UpstreamQuestion } from "./exchange.ts";
import { keepSeconds, selectRecords } from "./select-records.ts";

/** An answer from elsewhere, and how long ago it was learnt. */
export interface Forwarded {
  readonly answer: Answer;
  readonly template: ReplyTemplate;
  readonly ageSeconds: number;
}

/** Answers questions about other people's zones by asking upstream servers. */
export interface Forwarder {
  /** The servers that are asked, in order of preference. */
  readonly upstreams: readonly EndpointAddress[];
  /** Bytes in the cache, and how many upstream questions are open. */
  readonly usage: { readonly cacheBytes: number; readonly cacheEntries: number; readonly inFlight: number };
  /** The cached answer, or `undefined`. */
  findCached(question: Question, head: QueryHead): Forwarded | undefined;
  /** The answer, asked upstream unless cached; SERVFAIL when no upstream has one. Equal questions in flight are asked once. */
  resolve(question: Question, head: QueryHead): Promise<Forwarded>;
}

/** What {@link createForwarder} needs. */
export interface ForwarderOptions {
  readonly upstreams: readonly EndpointAddress[];
  readonly exchange: Exchange;
  readonly log: Log;
  readonly nowMs: () => number;
  /** Bound of the cache; 32 MiB unless given. */
  readonly maxCacheBytes?: number;
  /** Most upstream questions at a time; more are answered SERVFAIL. 1,000 unless given. */
  readonly maxInFlight?: number;
  /** Patience with one upstream, 1,500 ms unless given, and with all of them, 5,000 ms unless given. */
  readonly attemptTimeoutMs?: number;
  readonly totalTimeoutMs?: number;
}

interface CacheEntry {
  readonly answer: Answer;
  readonly template: ReplyTemplate;
  readonly storedAtMs: number;
  readonly keepMs: number;
}

/** How long an upstream that could not take an OPT record is asked without, in milliseconds. */
const plainUpstreamMs = 15 * 60_000;
/** How often the list of upstreams is gone through for one question. */
const rounds = 2;

/** A forwarder with an empty cache. */
export function createForwarder(options: ForwarderOptions): Forwarder {
  const { nowMs, upstreams, maxInFlight = 1_000 } = options;
  const cache = createBoundedCache<CacheEntry>(options.maxCacheBytes ?? 32 * 1024 * 1024);
  const inFlight = new Map<string, Promise<Forwarded>>();
  const plainUntilMs = new Map<EndpointAddress, number>();
  let preferred = 0;
  return {
    upstreams,
    get usage() {
      return { cacheBytes: cache.sizeBytes, cacheEntries: cache.count, inFlight: inFlight.size };
    },
    findCached: (question, head) =>
      findCached(toCacheKey(question, head), toCacheKey({ ...question, type: anyType }, head)),
    resolve(question, head) {
      const key = toCacheKey(question, head);
      const open = inFlight.get(key);
      if (open !== undefined) return open;
      if (inFlight.size >= maxInFlight) return Promise.resolve(failed(question));
      const answer = resolveUncached(question, head).finally(() => inFlight.delete(key));
      inFlight.set(key, answer);
      return answer;
    },
  };

  function findCached(...keys: readonly string[]): Forwarded | undefined {
    for (const key of keys) {
      const entry = cache.get(key);
      if (entry === undefined) continue;
      const ageMs = nowMs() - entry.storedAtMs;
      if (ageMs < entry.keepMs) {
        return { answer: entry.answer, template: entry.template, ageSeconds: Math.floor(ageMs / 1000) };
      }
      cache.delete(key);
    }
    return undefined;
  }

  async function resolveUncached(question: Question, head: QueryHead): Promise<Forwarded> {
    const answer = await askUpstreams(question, head);
    if (answer === undefined) return failed(question);
    const template = encodeTemplate(toQuestionBytes(question), answer);
    const keepMs = keepSeconds(answer, question.type) * 1000;
    if (keepMs > 0) {
      // A name that does not exist has no type either (RFC 2308 §5), unless the rcode is about the end of a chain.
      const isNoName = answer.rcode === rcodes.NXDOMAIN && answer.answers.length === 0;
      const key = toCacheKey(isNoName ? { ...question, type: anyType } : question, head);
      cache.set(key, { answer, template, storedAtMs: nowMs(), keepMs }, template.bytes.length * 3);
    }
    return { answer, template, ageSeconds: 0 };
  }

  async function askUpstreams(question: Question, head: QueryHead): Promise<Answer | undefined> {
    const deadline = AbortSignal.timeout(options.totalTimeoutMs ?? 5_000);
    for (let attempt = 0; attempt < upstreams.length * rounds && !deadline.aborted; attempt++) {
      const index = preferred % upstreams.length;
      const upstream = upstreams[index];
      if (upstream === undefined) return undefined;
      const answer = await askUpstream(upstream, question, { head, deadline });
      if (answer !== undefined) return answer;
      // Others may have moved on from the same server in the meantime.
      if (preferred === index) preferred = (index + 1) % upstreams.length;
    }
    return undefined;
  }

  /** The answer of one upstream, or `undefined` when another one should be asked: SERVFAIL of one must not end the look-up. */
  async function askUpstream(
    upstream: EndpointAddress,
    question: Question,
    context: { readonly head: QueryHead; readonly deadline: AbortSignal },
  ): Promise<Answer | undefined> {
    const dnssecOk = context.head.edns?.dnssecOk ?? false;
    const signal = AbortSignal.any([context.deadline, AbortSignal.timeout(options.attemptTimeoutMs ?? 1_500)]);
    const useEdns = (plainUntilMs.get(upstream) ?? 0) <= nowMs();
    const asked: UpstreamQuestion = {
      question: toQuestionBytes(question),
      dnssecOk,
      checkingDisabled: (context.head.flags & flags.CD) !== 0,
      useEdns,
    };
    try {
      let reply = await options.exchange(upstream, asked, signal);
      if (useEdns && (reply.rcode === rcodes.FORMERR || reply.rcode === rcodes.NOTIMP)) {
        plainUntilMs.set(upstream, nowMs() + plainUpstreamMs);
        reply = await options.exchange(upstream, { ...asked, useEdns: false }, signal);
      }
      const isUsable = reply.rcode === rcodes.NOERROR || reply.rcode === rcodes.NXDOMAIN;
      return isUsable ? selectRecords(reply, question, dnssecOk) : undefined;
    } catch (error) {
      options.log.debug("an upstream did not answer", {
        upstream: endpointToText(upstream),
        error: describeError(error),
      });
      return undefined;
    }
  }
}

/** Stands for all types of a name in the cache's keys; no question has type 0. */
const anyType = 0;

function toCacheKey({ key, type }: Question, head: QueryHead): string {
  const variant = (head.edns?.dnssecOk ? 1 : 0) | (head.flags & flags.CD);
  return key + String.fromCharCode(type, variant);
}

function toQuestionBytes({ key, type }: Question): Uint8Array {
  const end = new Uint8Array(4);
  writeUint16(end, 0, type);
  writeUint16(end, 2, classIn);
  return concatBytes([keyToName(key), end]);
}

function failed(question: Question): Forwarded {
  const answer = emptyAnswer(rcodes.SERVFAIL, extendedErrors.noReachableAuthority);
  return { answer, template: encodeTemplate(toQuestionBytes(question), answer), ageSeconds: 0 };
}
