import { Worker } from "node:worker_threads";
import { PlatformError } from "#shared/errors/platform-error.ts";
import type { Answers, FromWorker, Question, ToWorker, WorkerStart, WorkerState } from "./messages.ts";

type Ask = Question extends infer Q ? Q extends Question ? Omit<Q, "kind" | "id"> : never : never;

/** One running worker. */
export interface WorkerThread {
  /** What it said last of its listeners. */
  state(): WorkerState;
  tell(message: Exclude<ToWorker, Question>): void;
  /** Its answer; an empty one when it dies before. */
  ask(question: Ask): Promise<Answers>;
  /** Ends it at once. */
  end(): Promise<void>;
}

/** What is heard of a worker. */
export interface WorkerEvents {
  readonly onState: (what: "ports" | "draining") => void;
  /** Called once, when it has ended for whatever reason after it was ready. */
  readonly onEnd: (error: Error | undefined) => void;
}

/**
 * Starts a worker; resolves when its main port is open.
 *
 * @throws {PlatformError} conflict — when the port cannot be opened; internal — when it dies before
 */
export async function startWorker(start: WorkerStart, events: WorkerEvents): Promise<WorkerThread> {
  const worker = new Worker(new URL("./worker-main.ts", import.meta.url), { workerData: start, name: "mc-proxy" });
  const ready = Promise.withResolvers<WorkerState>();
  const questions = new Map<number, (answers: Answers) => void>();
  let nextId = 1;
  let state: WorkerState | undefined;
  let failure: Error | undefined;
  worker.on("message", (message: FromWorker) => {
    if (message.kind === "failed") {
      ready.reject(new PlatformError(message.code === "conflict" ? "conflict" : "internal", message.message));
    } else if (message.kind === "answer") {
      questions.get(message.id)?.(message.answers);
      questions.delete(message.id);
    } else {
      state = message.state;
      if (message.kind === "ready") ready.resolve(message.state);
      else events.onState(message.what);
    }
  });
  worker.on("error", (error) => void (failure = error instanceof Error ? error : new Error(String(error))));
  worker.on("exit", () => {
    ready.reject(failure ?? new PlatformError("internal", "Cannot start a worker: it ended"));
    for (const answer of questions.values()) answer({});
    questions.clear();
    if (state !== undefined) events.onEnd(failure);
  });
  const first = await ready.promise.catch(async (error: unknown) => {
    await worker.terminate();
    throw error;
  });
  return {
    state: () => state ?? first,
    tell: (message) => worker.postMessage(message),
    ask(question) {
      const { promise, resolve } = Promise.withResolvers<Answers>();
      const id = nextId;
      nextId += 1;
      questions.set(id, resolve);
      const message: ToWorker = { kind: "ask", id, ...question };
      worker.postMessage(message);
      return promise;
    },
    end: async () => void await worker.terminate(),
  };
}
