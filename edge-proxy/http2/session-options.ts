import type { ServerSessionOptions, Settings } from "node:http2";

/** Flow-control window of a connection; that of a stream is 64 KiB (T6). */
export const connectionWindowBytes: number = 1 << 20;
/** Streams of a client at once (T6). */
export const maxClientStreams = 100;

const clientSettings: Settings = {
  enablePush: false,
  // RFC 8441: WebSockets over HTTP/2.
  enableConnectProtocol: true,
  maxConcurrentStreams: maxClientStreams,
  initialWindowSize: 65_535,
  maxFrameSize: 16_384,
  maxHeaderListSize: 16_384,
};

/** What nghttp2 and node hold clients to (T1–T6); {@link file://./client-session.ts} sees to the rest. */
export const clientSessionOptions: ServerSessionOptions = {
  settings: clientSettings,
  // Cookies may come in many pieces; how many fields they may become is checked when they are one.
  maxHeaderListPairs: 200,
  maxSettings: 32,
  maxOutstandingPings: 10,
  // Megabytes of nghttp2's state and of what waits to be sent.
  maxSessionMemory: 8,
  maxSessionInvalidFrames: 100,
  maxSessionRejectedStreams: 100,
  // The budget of the session is smaller: this one is for resets that come faster than JavaScript gets to run.
  streamResetBurst: 400,
  streamResetRate: 40,
  // A backend may say twice what should be said once; that is between it and the client.
  strictSingleValueFields: false,
};
