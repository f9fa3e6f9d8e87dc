/** One rule that the proxy keeps. Ids are stable: tests carry them in their names, as in `S2: two lengths are refused`. */
export interface ProxyRule {
  /** Letters for the group, then a number. */
  readonly id: string;
  /** What holds. */
  readonly says: string;
  /** Why there is no test; a rule without a reason has one. */
  readonly untested?: string;
}

/** H: forwarding of HTTP (RFC 9110, RFC 9112). */
const forwarding: readonly ProxyRule[] = [
  { id: "H1", says: "hop-by-hop fields end here, and a client cannot name away a field that we add" },
  { id: "H2", says: "Via grows both ways, and a request that went around is refused" },
  { id: "H3", says: "only trusted proxies are believed about who the client is" },
  { id: "H4", says: "there is one valid Host, and an absolute target overrides it" },
  { id: "H5", says: "a Host that the TLS name does not cover is 421" },
  { id: "H6", says: "TRACE and CONNECT are refused" },
  { id: "H7", says: "interim responses pass and are never the final one" },
  { id: "H8", says: "100-continue is the backend's to answer, with a limit; other expectations are 417" },
  { id: "H9", says: "one upgrade token passes where the route allows it, h2c never" },
  { id: "H10", says: "responses have a body when the protocol says so, and a body that breaks off never ends cleanly" },
  { id: "H11", says: "trailers pass to who takes them, without those that a recipient would act on" },
  { id: "H12", says: "a request is repeated once, when nothing of it can have had an effect" },
  { id: "H13", says: "refusals tell by their status who is at fault" },
  { id: "H14", says: "the path passes byte for byte" },
];

/** S: requests and responses that two parsers may read differently. */
const smuggling: readonly ProxyRule[] = [
  { id: "S1", says: "Transfer-Encoding with Content-Length is refused" },
  { id: "S2", says: "there is one Content-Length, of digits alone" },
  { id: "S3", says: "Transfer-Encoding is `chunked` alone, in HTTP/1.1" },
  { id: "S4", says: "folded lines, blanks before colons and loose CR, LF or NUL are refused" },
  { id: "S5", says: "a request line without a version is refused" },
  { id: "S6", says: "chunk sizes are hexadecimal digits, chunks end with CRLF, extensions have a bound" },
  { id: "S7", says: "trailers that frame or route are refused, and have a bound" },
  { id: "S8", says: "a missing, double or malformed Host is refused" },
  { id: "S9", says: "versions other than 1.0 and 1.1 are refused" },
  { id: "S10", says: "bytes behind a message are the next one, and a backend that sends some is not used again" },
  { id: "S11", says: "nothing comes out of HTTP/2 that HTTP/1.1 could not carry" },
  { id: "S12", says: "what is forwarded is written anew from what was parsed" },
];

/** LIM: limits of time and size. */
const limits: readonly ProxyRule[] = [
  { id: "LIM1", says: "the first byte, the PROXY header and the ClientHello come in time and in 16 KiB" },
  { id: "LIM2", says: "the TLS handshake is done in time" },
  { id: "LIM3", says: "a request head is complete in time from its first byte, and has a bound" },
  { id: "LIM4", says: "a body has an idle time and a least rate, and no total time" },
  { id: "LIM5", says: "backends connect, begin and go on in time" },
  { id: "LIM6", says: "idle and old connections end, between requests" },
  { id: "LIM7", says: "connections are bounded in number and rate, by client and in all" },
  { id: "LIM8", says: "a slow reader pauses its writer, and memory stays" },
  { id: "LIM9", says: "draining has a deadline, and connections without a request do not hold it" },
];

/** T: abuse of HTTP/2 (RFC 9113). */
const abuse: readonly ProxyRule[] = [
  { id: "T1", says: "rapid resets end the connection, whoever made them" },
  { id: "T2", says: "endless CONTINUATION ends the connection" },
  { id: "T3", says: "floods of frames that do nothing end the connection" },
  { id: "T4", says: "header lists are bounded as they are decoded" },
  { id: "T5", says: "closed windows hold neither memory nor the connection" },
  { id: "T6", says: "the settings are those of an edge" },
  { id: "T7", says: "GOAWAY lets streams finish" },
  { id: "T8", says: "unknown frames are ignored, extended CONNECT is for WebSockets" },
];

/** G and W: gRPC and WebSockets. */
const streams: readonly ProxyRule[] = [
  { id: "G1", says: "trailers arrive, and a response that is only a head stays one frame" },
  { id: "G2", says: "a backend speaks what its route says, never less" },
  { id: "G3", says: "refusals of gRPC are statuses of gRPC, and its timeouts bind" },
  { id: "G4", says: "resets pass with their code, and cut nothing that is complete" },
  { id: "G5", says: "flow control is end to end" },
  { id: "W1", says: "the handshake of a WebSocket is checked, its frames pass untouched" },
  {
    id: "W2",
    says: "a WebSocket outlives changes of routes, and a route that goes takes it along after the drain time",
  },
];

/** P: the PROXY protocol. */
const proxyProtocol: readonly ProxyRule[] = [
  { id: "P1", says: "a listener has the header always or never, and only from trusted peers" },
  { id: "P2", says: "v1 and v2 are parsed to the letter, LOCAL leaves the real peer" },
  { id: "P3", says: "TLVs are read within their bounds, checksums verified" },
  { id: "P4", says: "the header may come in any pieces, and its address is the client from there on" },
  { id: "P5", says: "L4 backends get the header with the first bytes; pooled connections never have one" },
];

/** X: TLS 1.3. */
const tls: readonly ProxyRule[] = [
  { id: "X1", says: "a ClientHello is read from any packets and records, and refused with the alert that fits" },
  { id: "X2", says: "names are ASCII host names, IP literals are no name, a trailing dot is unknown" },
  { id: "X3", says: "no name and unknown names are refused, never with a default certificate" },
  { id: "X4", says: "the outer name of ECH routes, and GREASE is ignored everywhere" },
  { id: "X5", says: "ALPN prefers h2, has no common protocol as alert 120, and sets ACME apart" },
  { id: "X6", says: "TLS 1.2 and below, SSLv2 and plain HTTP are refused" },
  { id: "X7", says: "a certificate is checked before it is live, and the old one stays" },
  { id: "X8", says: "tickets are per name, the same in all workers, and rotate; there is no early data" },
  {
    id: "X9",
    says: "a stale OCSP staple is not sent",
    untested:
      "nothing is stapled: the platform's CA has no OCSP responder, public CAs end theirs, and certificates live for days",
  },
  { id: "X10", says: "TLS to backends is verified against the platform's roots and the expected name" },
  { id: "X11", says: "a new certificate serves from the next handshake on, open connections stay" },
  { id: "X12", says: "a second hello after HelloRetryRequest passes, and cannot change the name" },
];

/** D: traps of the runtimes, each with a test that fails when we step into it. */
const traps: readonly ProxyRule[] = [
  { id: "D1", says: "bytes that wait to be written are never overwritten by the next read" },
  { id: "D2", says: "a session ticket of one name is never resumed under another" },
  { id: "D4", says: "HTTP/2 is not offered where any client can end the process" },
  { id: "D6", says: "no header of a client can hold a backend's connection for ever" },
  {
    id: "D7",
    says:
      "closing a listener loses no connection that waits in its queue, and processes hand no connections to each other",
  },
];

/** Every rule, in the order of its group. */
export const proxyRules: readonly ProxyRule[] = [
  ...forwarding,
  ...smuggling,
  ...limits,
  ...abuse,
  ...streams,
  ...proxyProtocol,
  ...tls,
  ...traps,
];
