import { describeError } from "#shared/errors/platform-error.ts";
import { createBackoff } from "#shared/lifecycle/backoff.ts";
import { waitFor } from "#shared/lifecycle/wait.ts";
import type { Log } from "#shared/log/log.ts";

/** What is known of a port that should be open: `opening` until the first try has ended. */
export type PortState = "open" | "opening" | { readonly problem: string };

/** The ports beside the main one. */
export interface ExtraPorts {
  /** Makes `ports` the open ones: opens new ones in the background, closes others. */
  set(ports: ReadonlySet<number>): void;
  /** What is known of a port. */
  state(port: number): PortState;
  /** The ports that are open. */
  open(): number[];
}

/** What {@link createExtraPorts} needs. */
export interface ExtraPortsOptions {
  /** Opens a listener; rejects when the port cannot be had. */
  readonly open: (port: number) => Promise<{ close(): void }>;
  /** Called when the state of a port has changed. */
  readonly onChange: () => void;
  /** Receives failures to open a port. */
  readonly log: Log;
}

interface ExtraPort {
  state: PortState;
  server: { close(): void } | undefined;
  readonly stop: AbortController;
}

/** Extra ports, none of them open. */
export function createExtraPorts(options: ExtraPortsOptions): ExtraPorts {
  const entries = new Map<number, ExtraPort>();
  return {
    set(ports) {
      for (const [port, entry] of entries) {
        if (ports.has(port)) continue;
        entries.delete(port);
        entry.stop.abort();
        entry.server?.close();
      }
      for (const port of ports) {
        if (entries.has(port)) continue;
        const entry: ExtraPort = { state: "opening", server: undefined, stop: new AbortController() };
        entries.set(port, entry);
        void keepOpening(port, entry, options);
      }
    },
    state: (port) => entries.get(port)?.state ?? "opening",
    open: () => [...entries].filter(([, { state }]) => state === "open").map(([port]) => port),
  };
}

/** Tries until the port is open or no longer wanted. */
async function keepOpening(port: number, entry: ExtraPort, options: ExtraPortsOptions): Promise<void> {
  const backoff = createBackoff({ minMs: 500, maxMs: 30_000 });
  const { signal } = entry.stop;
  while (!signal.aborted) {
    try {
      const server = await options.open(port);
      if (signal.aborted) {
        server.close();
        return;
      }
      entry.server = server;
      entry.state = "open";
      return options.onChange();
    } catch (error) {
      const retryInMs = backoff.next();
      entry.state = { problem: describeError(error) };
      options.log.warn("cannot open a route's port, trying again", { port, error, retryInMs });
      options.onChange();
      await waitFor(retryInMs, signal);
    }
  }
}
