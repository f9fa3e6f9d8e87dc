import { readUint16, readUint32, writeUint16, writeUint32 } from "./bytes.ts";
import { flags, headerBytes, maxUdpBytes, rcodes, recordTypes } from "./codes.ts";
import { createMessageWriter } from "./message-writer.ts";
import type { QueryHead } from "./parse-query.ts";
import type { ResourceRecord } from "./record.ts";

/** What is said in reply to one question. */
export interface Answer {
  readonly rcode: number;
  /** Whether the first name is in our zones (RFC 1035 §4.1.1 AA). */
  readonly authoritative: boolean;
  readonly answers: readonly ResourceRecord[];
  readonly authority: readonly ResourceRecord[];
  readonly additional: readonly ResourceRecord[];
  /** RFC 8914 code, sent when the asker knows EDNS. */
  readonly extendedError?: number;
}

/** An answer without records. */
export function emptyAnswer(rcode: number, extendedError?: number): Answer {
  const none = { rcode, authoritative: false, answers: [], authority: [], additional: [] };
  return extendedError === undefined ? none : { ...none, extendedError };
}

/**
 * An answer in wire form for every asker of the question: id, flags of the asker, the question's letter case and the OPT record
 * are put in by {@link finishReply}, so one template serves clients with and without EDNS.
 */
export interface ReplyTemplate {
  /** Message without OPT. */
  readonly bytes: Uint8Array;
  readonly ttlOffsets: readonly number[];
  readonly questionBytes: number;
  readonly rcode: number;
  readonly extendedError: number | undefined;
}

/** The template of an answer to `question`, without the records that no message can hold. */
export function encodeTemplate(question: Uint8Array | undefined, answer: Answer): ReplyTemplate {
  const writer = createMessageWriter();
  writer.writeBytes(new Uint8Array(headerBytes));
  if (question !== undefined) {
    writer.writeBytes(question);
    writer.remember(question.subarray(0, question.length - 4), headerBytes);
  }
  const sections = [answer.answers, answer.authority, answer.additional];
  const written = sections.map((records) => records.filter((record) => writer.writeRecord(record)).length);
  const bytes = writer.toBytes();
  const complete = written.every((count, index) => count === sections[index]?.length);
  const word = flags.QR | (answer.authoritative ? flags.AA : 0) | (complete ? 0 : flags.TC) | (answer.rcode & 15);
  [0, word, question === undefined ? 0 : 1, ...written].forEach((value, index) => writeUint16(bytes, index * 2, value));
  const { rcode, extendedError } = answer;
  return { bytes, ttlOffsets: writer.ttlOffsets, questionBytes: question?.length ?? 0, rcode, extendedError };
}

/** How a template becomes the reply of one asker. */
export interface FinishOptions {
  /** Whether the asker may use the forwarder (RA bit). */
  readonly recursionAvailable: boolean;
  /** Most bytes of the reply. */
  readonly limitBytes: number;
  /** Seconds that TTLs have decayed since the template was made. */
  readonly ageSeconds?: number;
}

const copiedFlags = 0x7800 | flags.RD | flags.CD;

/** The reply to one asker: RD, CD and opcode copied, TC and no records when it would exceed `limitBytes` (RFC 2181 §9). */
export function finishReply(template: ReplyTemplate, head: QueryHead, options: FinishOptions): Uint8Array {
  const opt = encodeOpt(template, head);
  const fits = template.bytes.length + opt.length <= options.limitBytes;
  const kept = fits ? template.bytes : template.bytes.subarray(0, headerBytes + template.questionBytes);
  const reply = new Uint8Array(kept.length + opt.length);
  reply.set(kept);
  reply.set(opt, kept.length);
  if (!fits) reply.fill(0, 6, headerBytes);
  const word = readUint16(template.bytes, 2) | (head.flags & copiedFlags) |
    (options.recursionAvailable ? flags.RA : 0) |
    (fits ? 0 : flags.TC);
  writeUint16(reply, 0, head.id);
  writeUint16(reply, 2, word);
  if (opt.length > 0) writeUint16(reply, 10, readUint16(reply, 10) + 1);
  if (template.questionBytes > 0 && head.question !== undefined) reply.set(head.question, headerBytes);
  if (fits && options.ageSeconds) decayTtls(reply, template.ttlOffsets, options.ageSeconds);
  return reply;
}

function decayTtls(reply: Uint8Array, offsets: readonly number[], ageSeconds: number): void {
  for (const offset of offsets) writeUint32(reply, offset, Math.max(0, readUint32(reply, offset) - ageSeconds));
}

const noBytes = new Uint8Array(0);

/** The OPT record, only for askers who sent one (RFC 6891 §7): our UDP size, version 0, DO copied, an extended error if any. */
function encodeOpt(template: ReplyTemplate, head: QueryHead): Uint8Array {
  if (head.edns === undefined) return noBytes;
  const { extendedError } = template;
  const opt = new Uint8Array(extendedError === undefined ? 11 : 17);
  writeUint16(opt, 1, recordTypes.OPT);
  writeUint16(opt, 3, maxUdpBytes);
  opt[5] = template.rcode >> 4;
  if (head.edns.dnssecOk) opt[7] = 0x80;
  if (extendedError !== undefined) {
    [6, 15, 2, extendedError].forEach((value, index) => writeUint16(opt, 9 + index * 2, value));
  }
  return opt;
}

/** Most bytes of a reply over UDP: 512, or what the asker takes up to 1232 (RFC 6891 §6.2.5, RFC 9715). */
export function udpLimitBytes(head: QueryHead): number {
  return head.edns === undefined ? 512 : Math.min(head.edns.payloadBytes, maxUdpBytes);
}

/** The reply to a query that cannot be looked up; of a broken one, the header only. */
export function encodeErrorReply(rcode: number, head: QueryHead, extendedError?: number): Uint8Array {
  const template = encodeTemplate(head.question, emptyAnswer(rcode, extendedError));
  return finishReply(template, head, {
    recursionAvailable: false,
    limitBytes: rcode === rcodes.FORMERR ? 512 : 65_535,
  });
}
