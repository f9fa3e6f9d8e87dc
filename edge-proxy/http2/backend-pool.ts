import process from "node:process";
import type { BackendPlace } from "../l7/backend-place.ts";
import type { Deadlines } from "../l7/deadlines.ts";
import { BackendSession, type ConnectFault } from "./backend-session.ts";
import type { Http2BackendStream } from "./backend-stream.ts";

/** What pools share. */
export interface BackendPoolOptions {
  readonly deadlines: Deadlines;
  /** Until a backend has opened a connection with its SETTINGS. */
  readonly connectMs: number;
  /** How long a connection may lie idle. */
  readonly idleMs: number;
}

/** Most connections to one backend. */
const maxSessions = 128;
/** Requests per connection to expect of a backend that was never asked. */
const usualLimit = 100;

/** Connections to one backend, and the requests that wait for one. */
export class BackendPool {
  readonly #place: BackendPlace;
  readonly #options: BackendPoolOptions;
  readonly #onEmpty: () => void;
  readonly #sessions = new Set<BackendSession>();
  #waiting: Http2BackendStream[] = [];
  #limit = usualLimit;

  constructor(place: BackendPlace, options: BackendPoolOptions, onEmpty: () => void) {
    this.#place = place;
    this.#options = options;
    this.#onEmpty = onEmpty;
  }

  /** Starts `stream` on a connection with room, or lets it wait for one. */
  open(stream: Http2BackendStream, isFresh: boolean): void {
    for (const session of this.#sessions) {
      if (session.hasRoom && (!isFresh || session.isFresh)) return stream.start(session);
    }
    this.#waiting.push(stream);
    this.#connectAsNeeded();
  }

  /** Closes the connections after the requests under way. */
  retire(): void {
    for (const session of [...this.#sessions]) session.retire();
  }

  #connectAsNeeded(): void {
    this.#waiting = this.#waiting.filter(({ isOver }) => !isOver);
    const connecting = [...this.#sessions].filter(({ isConnecting }) => isConnecting).length;
    if (this.#waiting.length <= connecting * this.#limit) return;
    if (this.#sessions.size < maxSessions) return this.#connect();
    if (connecting > 0) return;
    const error = new Error(`Cannot ask "${this.#place.backend.instance}": all ${maxSessions} connections are busy`);
    const refused = this.#waiting.splice(0);
    process.nextTick(() => refused.forEach((stream) => stream.fail({ status: 503, error })));
  }

  #connect(): void {
    this.#sessions.add(
      new BackendSession({
        ...this.#options,
        place: this.#place,
        onRoom: (session) => this.#fill(session),
        onGone: (session, fault) => this.#forget(session, fault),
      }),
    );
  }

  #fill(session: BackendSession): void {
    this.#limit = Math.max(1, session.limit);
    while (session.hasRoom) {
      const stream = this.#waiting.shift();
      if (stream === undefined) return;
      if (!stream.isOver) stream.start(session);
    }
    this.#connectAsNeeded();
  }

  #forget(session: BackendSession, fault: ConnectFault | undefined): void {
    this.#sessions.delete(session);
    if (fault !== undefined) this.#waiting.splice(0).forEach((stream) => stream.fail(fault));
    if (this.#waiting.length > 0) this.#connectAsNeeded();
    else if (this.#sessions.size === 0) this.#onEmpty();
  }
}
