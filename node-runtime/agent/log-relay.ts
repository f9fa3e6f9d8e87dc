import type { LogLine, LogRequest } from "#shared/contract/mcp.ts";
import type { Log } from "#shared/log/log.ts";
import type { AgentPodman, ControlPlane } from "./agent-ports.ts";
import { type BoundedChannel, createBoundedChannel } from "./bounded-channel.ts";
import type { ObservedInstance } from "./domain/observed-instance.ts";

/** What {@link createLogRelay} needs. */
export interface LogRelayOptions {
  readonly podman: Pick<AgentPodman, "streamLogs">;
  readonly sendLogs: ControlPlane["sendLogs"];
  /** Our instances at this moment. */
  readonly observed: () => readonly ObservedInstance[];
  /** Resolves when instances may have changed, or `signal` aborts. */
  readonly changed: (signal: AbortSignal) => Promise<void>;
  readonly log: Log;
}

/** Answers log requests: the control plane has no way to the node, so the node brings the lines. */
export interface LogRelay extends AsyncDisposable {
  /** The requests of this moment; what is not among them any more ends. */
  apply(requests: readonly LogRequest[]): void;
}

/** Lines on their way before podman has to wait. */
const channelLimit = 1_000;
/** Requests answered at one time; more wait until the control plane withdraws others. */
const maxRequests = 64;

/** A relay without requests. */
export function createLogRelay(options: LogRelayOptions): LogRelay {
  const active = new Map<string, { controller: AbortController; done: Promise<void> }>();

  function begin(request: LogRequest): void {
    const controller = new AbortController();
    const done = relay(request, controller.signal, options).catch((error: unknown) => {
      if (!controller.signal.aborted) {
        options.log.warn("logs cannot be relayed", { requestId: request.requestId, error });
      }
    });
    // An answered request stays here until it is withdrawn, so that it is answered once.
    active.set(request.requestId, { controller, done });
  }
  return {
    apply(requests) {
      const wanted = new Set(requests.map(({ requestId }) => requestId));
      for (const [id, { controller }] of active) {
        if (wanted.has(id)) continue;
        controller.abort();
        active.delete(id);
      }
      for (const request of requests) {
        if (!active.has(request.requestId) && active.size < maxRequests) begin(request);
      }
    },
    async [Symbol.asyncDispose]() {
      for (const { controller } of active.values()) controller.abort();
      await Promise.all([...active.values()].map(({ done }) => done));
    },
  };
}

async function relay(request: LogRequest, signal: AbortSignal, options: LogRelayOptions): Promise<void> {
  const channel = createBoundedChannel<LogLine>(channelLimit);
  // The producers end with the reader, whoever ends first.
  const readers = new AbortController();
  const both = AbortSignal.any([signal, readers.signal]);
  const producing = produce(request, channel, { ...options, signal: both });
  try {
    await options.sendLogs(request.requestId, channel, signal);
  } finally {
    channel.end();
    readers.abort();
    await producing;
  }
}

interface ProduceContext extends LogRelayOptions {
  readonly signal: AbortSignal;
}

/** Streams the output of all instances asked for; when following, also of those that come or come back meanwhile. */
async function produce(request: LogRequest, channel: BoundedChannel<LogLine>, context: ProduceContext): Promise<void> {
  const { signal } = context;
  const runs = new Set<string>();
  const streams: Promise<void>[] = [];
  try {
    for (let round = 0; round === 0 || (request.follow && !signal.aborted); round++) {
      for (const instance of context.observed().filter((one) => isAskedFor(one, request))) {
        const run = `${instance.containerId} ${instance.startedAt}`;
        if (runs.has(run)) continue;
        runs.add(run);
        streams.push(streamRun(instance, { request, isFirst: round === 0 }, channel, context));
      }
      if (request.follow) await context.changed(signal);
    }
    await Promise.all(streams);
  } finally {
    channel.end();
  }
}

function isAskedFor(instance: ObservedInstance, request: LogRequest): boolean {
  if (instance.service !== request.service || instance.state === "created") return false;
  return request.component === undefined || instance.component === request.component;
}

async function streamRun(
  instance: ObservedInstance,
  facts: { request: LogRequest; isFirst: boolean },
  channel: BoundedChannel<LogLine>,
  context: ProduceContext,
): Promise<void> {
  const { request, isFirst } = facts;
  const part = isFirst || instance.startedAt === undefined
    ? { tail: request.tail }
    : { since: new Date(instance.startedAt) };
  const follow = request.follow && instance.state === "running";
  const { component, instance: id } = instance;
  try {
    for await (
      const line of context.podman.streamLogs(instance.containerId, { ...part, follow, signal: context.signal })
    ) {
      await channel.push({ component, instance: id, ...line });
    }
  } catch (error) {
    context.log.warn("the output of an instance cannot be read", { instance: instance.containerName, error });
  }
}
