import { Buffer } from "node:buffer";
import type { Socket } from "node:net";

/** Up to here pieces are copied into one buffer: a write costs more than copying this much. */
const copyBytes = 32 * 1024;

/**
 * Writes to a socket, gathered until the event that caused them is over: a response head, its body and its end become one TLS record and
 * one system call.
 */
export class WriteBatch {
  readonly #socket: Socket;
  readonly #highWaterBytes: number;
  readonly #flush = () => this.flush();
  #pieces: (string | Buffer)[] = [];
  #bytes = 0;
  #scheduled = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#highWaterBytes = socket.writableHighWaterMark;
  }

  /** Adds latin1 text or bytes; `false` when the writer should wait for the socket's drain (LIM8). */
  push(piece: string | Buffer): boolean {
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    if (this.#bytes + this.#socket.writableLength >= this.#highWaterBytes) {
      this.flush();
      // Deno may have written all of it by now: then no drain will come.
      return !this.#socket.writableNeedDrain;
    }
    if (!this.#scheduled) {
      this.#scheduled = true;
      queueMicrotask(this.#flush);
    }
    return true;
  }

  /** Hands what was gathered to the socket. */
  flush(): void {
    this.#scheduled = false;
    const pieces = this.#pieces;
    if (pieces.length === 0) return;
    this.#pieces = [];
    const bytes = this.#bytes;
    this.#bytes = 0;
    // An empty write never calls back on a TLS socket of Deno.
    if (bytes === 0 || !this.#socket.writable) return;
    const [first] = pieces;
    if (pieces.length === 1 && first !== undefined) write(this.#socket, first);
    else if (bytes <= copyBytes) this.#socket.write(concat(pieces, bytes));
    else writeEach(this.#socket, pieces);
  }
}

function write(socket: Socket, piece: string | Buffer): void {
  if (typeof piece !== "string") socket.write(piece);
  // Deno's TLS sockets write text that had to queue as UTF-8, whatever it was given as.
  else if (socket.writableLength > 0 || socket.writableCorked > 0) socket.write(Buffer.from(piece, "latin1"));
  else socket.write(piece, "latin1");
}

function writeEach(socket: Socket, pieces: readonly (string | Buffer)[]): void {
  socket.cork();
  for (const piece of pieces) write(socket, piece);
  socket.uncork();
}

function concat(pieces: readonly (string | Buffer)[], bytes: number): Buffer {
  const all = Buffer.allocUnsafe(bytes);
  let offset = 0;
  for (const piece of pieces) {
    offset += typeof piece === "string" ? all.write(piece, offset, "latin1") : piece.copy(all, offset);
  }
  return all;
}
