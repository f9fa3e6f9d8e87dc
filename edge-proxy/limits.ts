/** Bounds of the proxy: times in milliseconds, sizes in bytes. Each is a key of the configuration's `[limits]`. */
export interface ProxyLimits {
  /** Until the first byte of a connection, or of the PROXY header in front of it (LIM1). */
  readonly firstByteMs: number;
  /** Until the whole ClientHello (LIM1). */
  readonly clientHelloMs: number;
  /** Until the TLS handshake is done (LIM2). */
  readonly handshakeMs: number;
  /** Until a request's head is complete, from its first byte (LIM3). */
  readonly requestHeadMs: number;
  /** Largest request head (LIM3). */
  readonly headBytes: number;
  /** Between two reads of a request's body (LIM4). */
  readonly requestBodyIdleMs: number;
  /** Fewest bytes a second of a request's body, once it has lasted 10 s; 0 for any (LIM4). */
  readonly requestBodyBytesPerSecond: number;
  /** Until a backend accepts a connection (LIM5). */
  readonly connectMs: number;
  /** Until a backend's response head, once the request was sent (LIM5). */
  readonly responseHeadMs: number;
  /** Between two reads of a response's body (LIM5). */
  readonly responseBodyIdleMs: number;
  /** Without a byte on an L4 connection, a WebSocket or an event stream (LIM5). */
  readonly streamIdleMs: number;
  /** Until an idle client connection is closed (LIM6). */
  readonly clientKeepAliveMs: number;
  /** Until an idle connection to a backend is closed: below the 5 s after which Node backends close theirs (LIM6). */
  readonly backendKeepAliveMs: number;
  /** Age at which a client's connection is closed after the response that runs (LIM6). */
  readonly connectionAgeMs: number;
  /** Open connections of all clients (LIM7). */
  readonly connections: number;
  /** Open connections of one client: an IPv4 address or an IPv6 /64 (LIM7). */
  readonly connectionsPerAddress: number;
  /** Connections that have not said where they want to go, and TLS handshakes, under way at once (LIM7). */
  readonly handshakes: number;
  /** For requests and connections in flight when the proxy stops (LIM9). */
  readonly drainMs: number;
}

/** The limits unless the configuration says otherwise. */
export const defaultLimits: ProxyLimits = {
  firstByteMs: 3_000,
  clientHelloMs: 5_000,
  handshakeMs: 10_000,
  requestHeadMs: 10_000,
  headBytes: 16 * 1024,
  requestBodyIdleMs: 30_000,
  requestBodyBytesPerSecond: 500,
  connectMs: 5_000,
  responseHeadMs: 60_000,
  responseBodyIdleMs: 300_000,
  streamIdleMs: 3_600_000,
  clientKeepAliveMs: 75_000,
  backendKeepAliveMs: 3_500,
  connectionAgeMs: 3_600_000,
  connections: 50_000,
  connectionsPerAddress: 10_000,
  handshakes: 4_096,
  drainMs: 30_000,
};

/** Most header fields of a request. */
export const maxHeaderFields = 100;
