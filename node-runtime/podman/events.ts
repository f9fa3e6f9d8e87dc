import { z } from "zod";
import { parseAnswer, type PodmanConnection } from "./connection.ts";
import { readLines } from "./json-lines.ts";
import { streamBytes } from "./stream.ts";

const Event = z.object({
  status: z.string(),
  id: z.string(),
  time: z.number().optional(),
  Actor: z.object({ Attributes: z.record(z.string(), z.string()).nullish() }).optional(),
});

/** Something that happened to a container. */
export interface PodmanEvent {
  /** `create`, `init`, `start`, `died`, `stop`, `kill`, `cleanup`, `remove`, … */
  readonly status: string;
  /** Id of the container. */
  readonly containerId: string;
  /** Exit code, with `died`. */
  readonly exitCode: number | undefined;
  /** The container's labels, and podman's own `name` and `image`. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** Event operations. */
export interface PodmanEvents {
  /** Events from now on of containers that carry the label; ends quietly when `signal` aborts. */
  streamEvents(label: string, signal: AbortSignal): AsyncGenerator<PodmanEvent>;
}

/** The event operations over a connection. */
export function createEvents(connection: PodmanConnection): PodmanEvents {
  async function* streamEvents(label: string, signal: AbortSignal): AsyncGenerator<PodmanEvent> {
    const action = `follow events of containers labelled "${label}"`;
    const filters = JSON.stringify({ label: [label], type: ["container"] });
    const bytes = streamBytes(connection, { path: "/events", query: { stream: true, filters }, action, signal });
    for await (const text of readLines(bytes)) {
      const event = parseAnswer(action, text, Event);
      const attributes = event.Actor?.Attributes ?? {};
      const exitCode = Number.parseInt(attributes["containerExitCode"] ?? "", 10);
      yield {
        status: event.status,
        containerId: event.id,
        exitCode: event.status === "died" && Number.isInteger(exitCode) ? exitCode : undefined,
        attributes,
      };
    }
  }
  return { streamEvents };
}
