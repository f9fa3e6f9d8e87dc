import type { Socket } from "node:net";
import type { Route, RouteMode } from "#shared/contract/route.ts";
import type { RouteMetrics } from "./metrics/route-metrics.ts";
import { routeKey } from "./routes.ts";

/** A connection that a route has. */
export interface Attached {
  /** The route as it was when the connection was accepted. */
  readonly route: Route;
  readonly mode: RouteMode;
  readonly clientAddress: string;
  /** Instance that an L4 connection goes to. */
  readonly instance?: string;
  readonly counters: RouteMetrics;
  readonly socket: Socket;
}

/** What is said of a connection. */
export interface Attachment {
  /** Key of the route. */
  readonly route: string;
  readonly mode: RouteMode;
  readonly clientAddress: string;
  readonly instance?: string;
  /** When it began. */
  readonly since: string;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** Whether its route was changed or removed since. */
  readonly isOld: boolean;
  /** When it is cut because its route is gone. */
  readonly cutAt?: string;
}

/** Knows every connection that has found its route, and cuts those whose route is gone. */
export interface Attachments {
  /** Notes a connection until the returned function is called. */
  add(attached: Attached): () => void;
  /** Cuts the L4 connections of a route that is gone after the drain time, unless it comes back. */
  drainGone(routeKeys: readonly string[]): void;
  /** Keeps the connections of routes that are there again. */
  keep(routes: readonly Route[]): void;
  /** What is connected now, oldest first. */
  list(): Attachment[];
  /** Hands what was moved since the last time to the counters. */
  flush(): void;
  /** Forgets what is to be cut. */
  stop(): void;
}

interface Entry extends Attached {
  readonly key: string;
  readonly sinceMs: number;
  countedIn: number;
  countedOut: number;
}

/** Nothing attached. `isCurrent` says whether a route is still the one that serves. */
export function createAttachments(
  options: { readonly drainMs: number; readonly isCurrent: (route: Route) => boolean },
): Attachments {
  const entries = new Set<Entry>();
  const goneKeys = new Map<string, { readonly timer: NodeJS.Timeout; readonly atMs: number }>();

  function cut(key: string): void {
    goneKeys.delete(key);
    for (const entry of entries) if (entry.key === key && entry.mode === "l4") entry.socket.destroy();
  }

  return {
    add(attached) {
      const entry = { ...attached, key: routeKey(attached.route), sinceMs: Date.now(), countedIn: 0, countedOut: 0 };
      entries.add(entry);
      return () => {
        if (entries.delete(entry)) flush(entry);
      };
    },
    drainGone(routeKeys) {
      for (const key of routeKeys) {
        if (goneKeys.has(key)) continue;
        const timer = setTimeout(() => cut(key), options.drainMs).unref();
        goneKeys.set(key, { timer, atMs: Date.now() + options.drainMs });
      }
    },
    keep(routes) {
      if (goneKeys.size === 0) return;
      for (const key of routes.map(routeKey)) {
        clearTimeout(goneKeys.get(key)?.timer);
        goneKeys.delete(key);
      }
    },
    list: () => [...entries].map((entry) => toAttachment(entry, options.isCurrent, goneKeys.get(entry.key)?.atMs)),
    flush() {
      for (const entry of entries) flush(entry);
    },
    stop() {
      for (const { timer } of goneKeys.values()) clearTimeout(timer);
      goneKeys.clear();
    },
  };
}

/** L7 counts bodies itself, while an L4 connection counts as a whole. */
function flush(entry: Entry): void {
  if (entry.mode !== "l4") return;
  const { bytesRead, bytesWritten } = entry.socket;
  entry.counters.bytesIn(bytesRead - entry.countedIn);
  entry.counters.bytesOut(bytesWritten - entry.countedOut);
  entry.countedIn = bytesRead;
  entry.countedOut = bytesWritten;
}

function toAttachment(entry: Entry, isCurrent: (route: Route) => boolean, cutAtMs: number | undefined): Attachment {
  const { key, mode, clientAddress, instance, socket } = entry;
  return {
    route: key,
    mode,
    clientAddress,
    ...(instance === undefined ? {} : { instance }),
    since: new Date(entry.sinceMs).toISOString(),
    receivedBytes: socket.bytesRead,
    sentBytes: socket.bytesWritten,
    isOld: !isCurrent(entry.route),
    ...(cutAtMs === undefined || mode !== "l4" ? {} : { cutAt: new Date(cutAtMs).toISOString() }),
  };
}
