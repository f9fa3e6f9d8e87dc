/** The name that TLS is opened for, and that most cases ask for. */
export const caseHost = "a.test";

/** What one client sends on one connection, and what must come of it. */
export interface ConformanceCase {
  /** Id of the rule in facts/edge.md. */
  readonly rule: string;
  readonly name: string;
  /** What the client sends, a byte a character. */
  readonly bytes: string;
  /** Statuses of the answers, in order, interim ones included. */
  readonly answers: readonly number[];
  /**
   * Whether the connection ends with the last answer; {@link sentinel} is sent behind `bytes` either way, and must then be answered by nobody.
   */
  readonly closes?: boolean;
  /** Nothing comes behind `bytes`: the answer must not wait for more. */
  readonly isAlone?: boolean;
  /** Parts that the answers must have, or must not have. */
  readonly gives?: readonly string[];
  readonly withholds?: readonly string[];
  /** Parts that the backend must see, or must not see. A request that is refused alone must not be seen at all, unless it `begins`. */
  readonly sees?: readonly string[];
  readonly hides?: readonly string[];
  /** The fault is behind the head, which may be on its way already. */
  readonly begins?: boolean;
  /** What the backend answers to the first request instead of 200; it ends the connection with `endsConnection`. */
  readonly backend?: string;
  readonly endsConnection?: boolean;
  /** The last answer is broken off, so that nobody takes it for complete; or nothing of it comes at all. */
  readonly isCut?: boolean;
}

/** Follows every case on its connection. */
export const sentinel = `GET /sentinel HTTP/1.1\r\nHost: ${caseHost}\r\nConnection: close\r\n\r\n`;

/** A request that must come out of no case's body or head. */
export const smuggled = `GET /smuggled HTTP/1.1\r\nHost: ${caseHost}\r\n\r\n`;

/** A head with the Host that TLS was opened for as its first field. */
export function head(line: string, ...fields: string[]): string {
  return bare(line, `Host: ${caseHost}`, ...fields);
}

/** A head of these lines alone. */
export function bare(...lines: string[]): string {
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** A case whose request is refused with `status`: the connection ends, and the backend sees nothing. */
export function refused(rule: string, name: string, bytes: string, status = 400): ConformanceCase {
  return { rule, name, bytes, answers: [status], closes: true, hides: ["/smuggled"] };
}

/** A case of one request that is answered with 200 while the connection stays. */
export function forwarded(
  rule: string,
  name: string,
  bytes: string,
  backend: { readonly sees?: readonly string[]; readonly hides?: readonly string[] } = {},
): ConformanceCase {
  return { rule, name, bytes, answers: [200], ...backend };
}
