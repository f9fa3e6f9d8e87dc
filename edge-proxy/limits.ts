/** Time limits of the proxy, in milliseconds. */
export interface ProxyLimits {
  /** Until the first byte of a connection. */
  readonly firstByteMs: number;
  /** Until the whole ClientHello. */
  readonly clientHelloMs: number;
  /** Until the TLS handshake is done. */
  readonly handshakeMs: number;
  /** Until a request's head is complete, from its first byte. */
  readonly requestHeadMs: number;
  /** Between two reads of a request's body. */
  readonly requestBodyIdleMs: number;
  /** Until a backend accepts a connection. */
  readonly connectMs: number;
  /** Until a backend's response head, once the request was sent. */
  readonly responseHeadMs: number;
  /** Between two reads of a response's body. */
  readonly responseBodyIdleMs: number;
  /** Without a byte on an L4 connection, a WebSocket or an event stream. */
  readonly streamIdleMs: number;
  /** Until an idle client connection is closed. */
  readonly clientKeepAliveMs: number;
  /** Until an idle connection to a backend is closed: below the 5 s after which Node backends close theirs. */
  readonly backendKeepAliveMs: number;
  /** For requests and connections in flight when the proxy stops. */
  readonly drainMs: number;
}

/** The limits unless the configuration says otherwise. */
export const defaultLimits: ProxyLimits = {
  firstByteMs: 3_000,
  clientHelloMs: 5_000,
  handshakeMs: 10_000,
  requestHeadMs: 10_000,
  requestBodyIdleMs: 30_000,
  connectMs: 5_000,
  responseHeadMs: 60_000,
  responseBodyIdleMs: 300_000,
  streamIdleMs: 3_600_000,
  clientKeepAliveMs: 75_000,
  backendKeepAliveMs: 3_500,
  drainMs: 30_000,
};

/** Largest request head in bytes. */
export const maxHeadBytes = 16 * 1024;
/** Most header fields of a request. */
export const maxHeaderFields = 100;
