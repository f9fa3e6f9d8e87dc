import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { connect, isIP } from "node:net";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { writeUint16, writeUint32 } from "../wire/bytes.ts";
import { flags, headerBytes, maxUdpBytes, recordTypes } from "../wire/codes.ts";
import { createFrameSplitter, frameMessage } from "../wire/frame-splitter.ts";
import { isReplyTo, parseReply, type UpstreamReply } from "../wire/parse-reply.ts";
import { concatBytes } from "../wire/record.ts";
import { type EndpointAddress, endpointToText } from "./endpoint-address.ts";

/** One question for an upstream server. */
export interface UpstreamQuestion {
  /** Name, type and class in wire form. */
  readonly question: Uint8Array;
  readonly dnssecOk: boolean;
  readonly checkingDisabled: boolean;
  /** Whether to send an OPT record; some old servers cannot take it. */
  readonly useEdns: boolean;
}

/** Asks one upstream server once; tests give their own. */
export type Exchange = (
  upstream: EndpointAddress,
  question: UpstreamQuestion,
  signal: AbortSignal,
) => Promise<UpstreamReply>;

/** Wrong replies to one question after which somebody is taken to be guessing (RFC 5452 §9.2). */
const maxMismatches = 20;

/**
 * Asks over UDP from a fresh socket with a random id, and over TCP when the reply is cut or replies are being forged.
 *
 * @throws {PlatformError} timeout — when `signal` aborts first; unavailable — when the server cannot be reached;
 * invalid-request — when its reply cannot be read
 */
export async function exchange(
  upstream: EndpointAddress,
  question: UpstreamQuestion,
  signal: AbortSignal,
): Promise<UpstreamReply> {
  const id = randomInt(0x1_0000);
  const message = encodeUpstreamQuery(id, question);
  const isReply = (bytes: Uint8Array) => isReplyTo(bytes, id, question.question);
  const datagram = await exchangeUdp(upstream, { message, isReply, signal });
  if (datagram !== undefined) {
    const reply = parseReply(datagram);
    if (!reply.truncated) return reply;
  }
  return parseReply(await exchangeTcp(upstream, { message, isReply, signal }));
}

/** A query with RD set, and an OPT record that offers 1232 bytes. */
export function encodeUpstreamQuery(id: number, question: UpstreamQuestion): Uint8Array {
  const header = new Uint8Array(headerBytes);
  const word = flags.RD | (question.checkingDisabled ? flags.CD : 0);
  [id, word, 1, 0, 0, question.useEdns ? 1 : 0].forEach((value, index) => writeUint16(header, index * 2, value));
  const opt = new Uint8Array(question.useEdns ? 11 : 0);
  if (question.useEdns) {
    writeUint16(opt, 1, recordTypes.OPT);
    writeUint16(opt, 3, maxUdpBytes);
    writeUint32(opt, 5, question.dnssecOk ? 0x8000 : 0);
  }
  return concatBytes([header, question.question, opt]);
}

interface Attempt {
  readonly message: Uint8Array;
  readonly isReply: (bytes: Uint8Array) => boolean;
  readonly signal: AbortSignal;
}

/** The datagram that answers, or `undefined` after too many that do not. */
async function exchangeUdp(upstream: EndpointAddress, attempt: Attempt): Promise<Uint8Array | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array | undefined>();
  const type = isIP(upstream.address) === 6 ? "udp6" : "udp4";
  // The address is numeric, so no name needs to be looked up.
  const socket = createSocket({ type, lookup: (host, _options, done) => done(null, host, type === "udp6" ? 6 : 4) });
  let mismatches = 0;
  const abort = () => reject(timedOut(upstream));
  attempt.signal.addEventListener("abort", abort, { once: true });
  socket.on("error", (cause) => reject(unreachable(upstream, cause)));
  socket.on("message", (bytes, { address, port }) => {
    const isExpected = address === upstream.address && port === upstream.port && attempt.isReply(bytes);
    if (isExpected) resolve(bytes);
    else if (++mismatches > maxMismatches) resolve(undefined);
  });
  try {
    attempt.signal.throwIfAborted();
    socket.send(attempt.message, upstream.port, upstream.address, (cause) => {
      if (cause) reject(unreachable(upstream, cause));
    });
    return await promise;
  } finally {
    attempt.signal.removeEventListener("abort", abort);
    socket.close();
  }
}

async function exchangeTcp(upstream: EndpointAddress, attempt: Attempt): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const socket = connect({ host: upstream.address, port: upstream.port });
  const splitter = createFrameSplitter();
  const abort = () => reject(timedOut(upstream));
  attempt.signal.addEventListener("abort", abort, { once: true });
  socket.on("error", (cause) => reject(unreachable(upstream, cause)));
  socket.on("close", () => reject(unreachable(upstream)));
  socket.on("data", (chunk: Uint8Array) => {
    const reply = splitter.push(chunk).find(attempt.isReply);
    if (reply !== undefined) resolve(reply);
  });
  try {
    socket.write(frameMessage(attempt.message));
    return await promise;
  } finally {
    attempt.signal.removeEventListener("abort", abort);
    socket.destroy();
  }
}

function timedOut(upstream: EndpointAddress): PlatformError {
  return new PlatformError(
    "timeout",
    `Cannot ask the DNS server "${endpointToText(upstream)}": it did not answer in time`,
  );
}

function unreachable(upstream: EndpointAddress, cause?: unknown): PlatformError {
  return new PlatformError(
    "unavailable",
    `Cannot ask the DNS server "${endpointToText(upstream)}": it cannot be reached`,
    { cause },
  );
}
