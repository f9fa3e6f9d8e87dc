import { type BoundedCache, createBoundedCache } from "../bounded-cache.ts";
import { type Answer, encodeTemplate, type ReplyTemplate } from "../wire/reply.ts";
import type { Query } from "../wire/parse-query.ts";
import type { NameKey } from "../wire/name.ts";
import { answerQuery, findOpenTarget } from "./answer-query.ts";
import type { ZoneSet } from "./zone.ts";

/** An answer from our zones, ready to be sent. */
export interface ZoneReply {
  readonly answer: Answer;
  readonly template: ReplyTemplate;
  /** Where a chain of CNAME records leaves our zones. */
  readonly openTarget: NameKey | undefined;
}

/** The zones of the moment, with the answers that were given from them. */
export interface ZoneTable {
  readonly zones: ZoneSet;
  /** Swaps all zones at once and forgets every encoded answer, so that no answer mixes two states. */
  replace(zones: ZoneSet): void;
  /** The reply to a question in our zones, or `undefined` for other names. */
  find(query: Query): ZoneReply | undefined;
}

/** A table without zones; `maxCacheBytes` bounds the encoded answers. */
export function createZoneTable(maxCacheBytes = 32 * 1024 * 1024): ZoneTable {
  let zones: ZoneSet = new Map();
  const replies: BoundedCache<ZoneReply> = createBoundedCache(maxCacheBytes);
  return {
    get zones() {
      return zones;
    },
    replace(next) {
      zones = next;
      replies.clear();
    },
    find(query) {
      // Behind the name's root label, one character is the type: all questions here are of class IN.
      const cacheKey = query.key + String.fromCharCode(query.type);
      const known = replies.get(cacheKey);
      if (known !== undefined) return known;
      const answer = answerQuery(zones, query);
      if (answer === undefined) return undefined;
      const template = encodeTemplate(query.question, answer);
      const reply = { answer, template, openTarget: findOpenTarget(answer, query) };
      replies.set(cacheKey, reply, template.bytes.length);
      return reply;
    },
  };
}
