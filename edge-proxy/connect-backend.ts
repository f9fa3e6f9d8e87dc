import { connect, type Socket } from "node:net";
import type { Backend } from "#shared/contract/route.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";

/**
 * A TCP connection to `backend`, with half-close allowed.
 *
 * @throws {PlatformError} unavailable — when it refuses; timeout — when it does not answer within `timeoutMs`
 */
export function connectBackend(backend: Backend, timeoutMs: number): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const place = `"${backend.instance}" at ${backend.address}:${backend.port}`;
  const socket = connect({ host: backend.address, port: backend.port, noDelay: true, allowHalfOpen: true });
  const timer = setTimeout(() => {
    socket.destroy();
    reject(new PlatformError("timeout", `Cannot connect to ${place}: no answer within ${timeoutMs} ms`));
  }, timeoutMs);
  const onError = (cause: Error) => {
    clearTimeout(timer);
    reject(new PlatformError("unavailable", `Cannot connect to ${place}`, { cause }));
  };
  socket.once("error", onError);
  socket.once("connect", () => {
    clearTimeout(timer);
    socket.off("error", onError);
    resolve(socket);
  });
  return promise;
}
