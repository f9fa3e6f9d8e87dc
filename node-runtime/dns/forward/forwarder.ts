import { createBoundedCache } from "../bounded-cache.ts";
import { extendedErrors, flags, rcodes } from "../wire/codes.ts";
import type { QueryHead } from "../wire/parse-query.ts";
import { type Answer, emptyAnswer, encodeTemplate, type ReplyTemplate } from "../wire/reply.ts";
import type { Question } from "../zones/answer-query.ts";
import { createUpstreamAsker, toQuestionBytes, type UpstreamAskerOptions } from "./ask-upstreams.ts";
import type { EndpointAddress } from "./endpoint-address.ts";
import { keepSeconds } from "./select-records.ts";

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
export interface ForwarderOptions extends UpstreamAskerOptions {
  /** Bound of the cache; 32 MiB unless given. */
  readonly maxCacheBytes?: number;
  /** Most upstream questions at a time; more are answered SERVFAIL. 1,000 unless given. */
  readonly maxInFlight?: number;
}

interface CacheEntry {
  readonly answer: Answer;
  readonly template: ReplyTemplate;
  readonly storedAtMs: number;
  readonly keepMs: number;
}

/** A forwarder with an empty cache. */
export function createForwarder(options: ForwarderOptions): Forwarder {
  const { nowMs, upstreams, maxInFlight = 1_000 } = options;
  const cache = createBoundedCache<CacheEntry>(options.maxCacheBytes ?? 32 * 1024 * 1024);
  const inFlight = new Map<string, Promise<Forwarded>>();
  const askUpstreams = createUpstreamAsker(options);
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
}

/** Stands for all types of a name in the cache's keys; no question has type 0. */
const anyType = 0;

function toCacheKey({ key, type }: Question, head: QueryHead): string {
  const variant = (head.edns?.dnssecOk ? 1 : 0) | (head.flags & flags.CD);
  return key + String.fromCharCode(type, variant);
}

function failed(question: Question): Forwarded {
  const answer = emptyAnswer(rcodes.SERVFAIL, extendedErrors.noReachableAuthority);
  return { answer, template: encodeTemplate(toQuestionBytes(question), answer), ageSeconds: 0 };
}
