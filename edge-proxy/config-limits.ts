import { z } from "zod";
import { DurationMs } from "#shared/mcdsl/duration.ts";
import type { ProxyLimits } from "./limits.ts";

const count = z.int().min(1).max(10_000_000);

/** The `[limits]` of the proxy's configuration: what is missing is {@link defaultLimits}. */
export const LimitsFile = z.strictObject({
  first_byte: DurationMs.optional(),
  client_hello: DurationMs.optional(),
  handshake: DurationMs.optional(),
  request_head: DurationMs.optional(),
  head_bytes: z.int().min(1_024).max(65_536).optional(),
  request_body_idle: DurationMs.optional(),
  request_body_bytes_per_second: z.int().min(0).max(1_000_000_000).optional(),
  connect: DurationMs.optional(),
  response_head: DurationMs.optional(),
  response_body_idle: DurationMs.optional(),
  stream_idle: DurationMs.optional(),
  client_keep_alive: DurationMs.optional(),
  backend_keep_alive: DurationMs.optional(),
  connection_age: DurationMs.optional(),
  connections: count.optional(),
  connections_per_address: count.optional(),
  handshakes: count.optional(),
  drain: DurationMs.optional(),
});

const names = {
  first_byte: "firstByteMs",
  client_hello: "clientHelloMs",
  handshake: "handshakeMs",
  request_head: "requestHeadMs",
  head_bytes: "headBytes",
  request_body_idle: "requestBodyIdleMs",
  request_body_bytes_per_second: "requestBodyBytesPerSecond",
  connect: "connectMs",
  response_head: "responseHeadMs",
  response_body_idle: "responseBodyIdleMs",
  stream_idle: "streamIdleMs",
  client_keep_alive: "clientKeepAliveMs",
  backend_keep_alive: "backendKeepAliveMs",
  connection_age: "connectionAgeMs",
  connections: "connections",
  connections_per_address: "connectionsPerAddress",
  handshakes: "handshakes",
  drain: "drainMs",
} as const satisfies Record<keyof z.output<typeof LimitsFile>, keyof ProxyLimits>;

/** The limits that a file sets. */
export function toLimits(file: z.output<typeof LimitsFile>): Partial<ProxyLimits> {
  const isName = (key: string): key is keyof typeof names => key in names;
  const entries = Object.entries(file).flatMap(([key, value]): [keyof ProxyLimits, number][] =>
    isName(key) && value !== undefined ? [[names[key], value]] : []
  );
  return Object.fromEntries(entries);
}
