import { describeError } from "#shared/errors/platform-error.ts";
import type { Log } from "#shared/log/log.ts";
import { writeUint16 } from "../wire/bytes.ts";
import { classIn, flags, rcodes } from "../wire/codes.ts";
import { keyToName } from "../wire/name.ts";
import type { QueryHead } from "../wire/parse-query.ts";
import type { UpstreamReply } from "../wire/parse-reply.ts";
import { concatBytes } from "../wire/record.ts";
import type { Answer } from "../wire/reply.ts";
import type { Question } from "../zones/answer-query.ts";
import { type EndpointAddress, endpointToText } from "./endpoint-address.ts";
import type { Exchange, UpstreamQuestion } from "./exchange.ts";
import { selectRecords } from "./select-records.ts";

/** What {@link createUpstreamAsker} needs. */
export interface UpstreamAskerOptions {
  readonly upstreams: readonly EndpointAddress[];
  readonly exchange: Exchange;
  readonly log: Log;
  readonly nowMs: () => number;
  /** Patience with one upstream, 1,500 ms unless given, and with all of them, 5,000 ms unless given. */
  readonly attemptTimeoutMs?: number;
  readonly totalTimeoutMs?: number;
}

/** The answer of the first upstream that has one, or `undefined` when none has one in time. */
export type UpstreamAsker = (question: Question, head: QueryHead) => Promise<Answer | undefined>;

/** How long an upstream that could not take an OPT record is asked without, in milliseconds. */
const plainUpstreamMs = 15 * 60_000;
/** How often the list of upstreams is gone through for one question. */
const rounds = 2;

/** Asks upstreams in turn, starting with the one that answered last. SERVFAIL, REFUSED and silence of one lead to the next. */
export function createUpstreamAsker(options: UpstreamAskerOptions): UpstreamAsker {
  const { upstreams, nowMs } = options;
  const plainUntilMs = new Map<EndpointAddress, number>();
  let preferred = 0;
  return async (question, head) => {
    const deadline = AbortSignal.timeout(options.totalTimeoutMs ?? 5_000);
    for (let attempt = 0; attempt < upstreams.length * rounds && !deadline.aborted; attempt++) {
      const index = preferred % upstreams.length;
      const upstream = upstreams[index];
      const reply = upstream === undefined
        ? undefined
        : await askSafely(upstream, toUpstreamQuestion(question, head), deadline);
      if (reply !== undefined) return selectRecords(reply, question, head.edns?.dnssecOk ?? false);
      // Others may have moved on from the same server in the meantime.
      if (preferred === index) preferred = (index + 1) % upstreams.length;
    }
    return undefined;
  };

  /** The usable reply of one upstream, or `undefined` when another one should be asked. */
  async function askSafely(
    upstream: EndpointAddress,
    question: UpstreamQuestion,
    deadline: AbortSignal,
  ): Promise<UpstreamReply | undefined> {
    const signal = AbortSignal.any([deadline, AbortSignal.timeout(options.attemptTimeoutMs ?? 1_500)]);
    try {
      const reply = await askWithFallback(upstream, question, signal);
      return reply.rcode === rcodes.NOERROR || reply.rcode === rcodes.NXDOMAIN ? reply : undefined;
    } catch (error) {
      const reason = describeError(error);
      options.log.debug("an upstream did not answer", { upstream: endpointToText(upstream), reason });
      return undefined;
    }
  }

  async function askWithFallback(
    upstream: EndpointAddress,
    question: UpstreamQuestion,
    signal: AbortSignal,
  ): Promise<UpstreamReply> {
    const useEdns = (plainUntilMs.get(upstream) ?? 0) <= nowMs();
    const reply = await options.exchange(upstream, { ...question, useEdns }, signal);
    const isTooOld = useEdns && (reply.rcode === rcodes.FORMERR || reply.rcode === rcodes.NOTIMP);
    if (!isTooOld) return reply;
    plainUntilMs.set(upstream, nowMs() + plainUpstreamMs);
    return await options.exchange(upstream, { ...question, useEdns: false }, signal);
  }
}

function toUpstreamQuestion(question: Question, head: QueryHead): UpstreamQuestion {
  return {
    question: toQuestionBytes(question),
    dnssecOk: head.edns?.dnssecOk ?? false,
    checkingDisabled: (head.flags & flags.CD) !== 0,
    useEdns: true,
  };
}

/** Name, type and class of a question in wire form. */
export function toQuestionBytes({ key, type }: Question): Uint8Array {
  const end = new Uint8Array(4);
  writeUint16(end, 0, type);
  writeUint16(end, 2, classIn);
  return concatBytes([keyToName(key), end]);
}
