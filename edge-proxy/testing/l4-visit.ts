import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { connect as connectTcp, type Socket } from "node:net";
import type { Route } from "#shared/contract/route.ts";
import { buildClientHello } from "./client-hello-bytes.ts";
import { backendAt, routeTo, type TestProxy } from "./open-test-proxy.ts";
import { startTcpBackend, type TestBackend } from "./test-backend.ts";

/** A hello for `a.test`. */
export const hello = buildClientHello({ names: ["a.test"] });

/** A connection to the proxy that may be half-closed; rejects when it is refused. */
export function connectRaw({ proxy }: TestProxy): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connectTcp({ host: "127.0.0.1", port: proxy.port, allowHalfOpen: true, noDelay: true });
  // Later errors are for whoever waits for the end.
  socket.once("connect", () => resolve(socket)).on("error", reject);
  return promise;
}

/** What ended a connection, and what came before: `end` for a clean end, else the error's code. */
export function endOf(socket: Socket): Promise<{ readonly how: string; readonly bytes: Buffer }> {
  const { promise, resolve } = Promise.withResolvers<{ how: string; bytes: Buffer }>();
  const chunks: Buffer[] = [];
  const end = (how: string) => resolve({ how, bytes: Buffer.concat(chunks) });
  socket.on("data", (chunk: Buffer) => void chunks.push(chunk)).on("end", () => end("end"));
  socket.on("error", (error) => end("code" in error ? String(error.code) : error.message)).on(
    "close",
    () => end("close"),
  );
  return promise;
}

/** How a connection that sends `bytes` ends, and what it is answered. */
export async function visit(
  fixture: TestProxy,
  ...parts: Uint8Array[]
): Promise<{ readonly how: string; readonly bytes: Buffer }> {
  const socket = connectTcp({ host: "127.0.0.1", port: fixture.proxy.port, allowHalfOpen: true, noDelay: true });
  const ended = endOf(socket);
  for (const bytes of parts) socket.write(bytes);
  const result = await ended;
  socket.destroy();
  return result;
}

/** Asserts that a visit was reset before it got a byte. */
export const isReset = ({ how, bytes }: { readonly how: string; readonly bytes: Buffer }) =>
  assert.deepEqual([how === "ECONNRESET" || how === "EPIPE", bytes.length], [true, 0], how);

/** The value of the first metric that begins with `start`. */
export const metricOf = async ({ proxy }: TestProxy, start: string) =>
  (await proxy.renderMetrics()).split("\n").find((line) => line.startsWith(start))?.split(" ").at(-1);

/** A backend that says its name and ends. */
export const sayer = (name: string) => startTcpBackend((socket) => void socket.on("data", () => {}).end(name));

/** A backend that keeps what it gets. */
export async function startKeeper(): Promise<{ readonly backend: TestBackend; readonly received: () => Buffer }> {
  const chunks: Buffer[] = [];
  const backend = await startTcpBackend((socket) => {
    socket.on("data", (chunk: Buffer) => void chunks.push(chunk));
    socket.write("ok");
  });
  return { backend, received: () => Buffer.concat(chunks) };
}

/** A route that passes `a.test` through to `backend`. */
export const l4 = (backend: TestBackend, more: Partial<Route> = {}): Route => ({
  ...routeTo("a.test", "l4", backendAt(backend.port)),
  ...more,
});
