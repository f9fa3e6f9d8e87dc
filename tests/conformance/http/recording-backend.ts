import type { Socket } from "node:net";
import { startTcpBackend } from "../../../edge-proxy/testing/test-backend.ts";
import type { ConformanceCase } from "./conformance-case.ts";

/** A backend that keeps every byte it gets, and answers by script. */
export interface RecordingBackend extends AsyncDisposable {
  readonly port: number;
  /** Forgets what it saw; its next request is the first one of this case. */
  begin(script: ConformanceCase): void;
  /** All bytes since then, those of one connection together. */
  seen(): string;
}

interface Visit {
  text: string;
  /** Behind the last complete request. */
  at: number;
  hasContinued: boolean;
}

/** A backend on loopback. */
export async function startRecordingBackend(): Promise<RecordingBackend> {
  let script: ConformanceCase | undefined;
  let visits: Visit[] = [];
  const backend = await startTcpBackend((socket) => {
    let visit: Visit = { text: "", at: 0, hasContinued: false };
    socket.on("data", (chunk) => {
      if (!visits.includes(visit)) {
        // A connection of an earlier case.
        visit = { text: "", at: 0, hasContinued: false };
        visits.push(visit);
      }
      visit.text += chunk.toString("latin1");
      answerComplete(socket, visit);
    });
    socket.on("end", () => socket.end());
  });

  function answerComplete(socket: Socket, visit: Visit): void {
    for (;;) {
      const request = visit.text.slice(visit.at);
      const interim = interimAnswer(script?.backend, request);
      if (interim !== "" && !visit.hasContinued) {
        visit.hasContinued = true;
        socket.write(interim, "latin1");
      }
      const length = completeLength(request);
      if (length === -1) return;
      visit.at += length;
      const answer = script?.backend?.slice(interim.length);
      socket.write(answer ?? defaultAnswer(request), "latin1");
      if (script?.endsConnection === true) socket.end();
      script = undefined;
    }
  }

  return {
    port: backend.port,
    begin(next) {
      script = next;
      visits = [];
    },
    seen: () => visits.map(({ text }) => text).join("\n-- another connection --\n"),
    [Symbol.asyncDispose]: () => backend[Symbol.asyncDispose](),
  };
}

/** The 100 of a script, once the request's head is there and asks for it. */
function interimAnswer(answer: string | undefined, request: string): string {
  const continues = answer?.startsWith("HTTP/1.1 100 ") === true && /^Expect:/im.test(request) &&
    request.includes("\r\n\r\n");
  return continues && answer !== undefined ? answer.slice(0, answer.indexOf("\r\n\r\n") + 4) : "";
}

function defaultAnswer(request: string): string {
  return `HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n${request.startsWith("HEAD ") ? "" : "ok"}`;
}

/** How long the first request of `text` is, or -1 while it is incomplete; trusts the proxy's own framing. */
function completeLength(text: string): number {
  const headLength = text.indexOf("\r\n\r\n") + 4;
  if (headLength < 4) return -1;
  const head = text.slice(0, headLength);
  if (/^Transfer-Encoding: *chunked/im.test(head)) {
    const end = /(?:^|\r\n)0\r\n(?:[^\r\n]+\r\n)*\r\n/.exec(text.slice(headLength));
    return end === null ? -1 : headLength + end.index + end[0].length;
  }
  const length = headLength + Number(/^Content-Length: *(\d+)/im.exec(head)?.[1] ?? 0);
  return text.length < length ? -1 : length;
}
