import type { Buffer } from "node:buffer";
import { isAuthority } from "./authority.ts";

/** Longest target; RFC 9112 §3 asks for at least 8000. */
const maxTargetLength = 8192;
const hash = 35, firstAboveTarget = 127;

/** What a request target says. */
export interface RequestTarget {
  readonly path: string;
  /** Of an absolute target, else `undefined`: the Host field says it. */
  readonly authority: string | undefined;
}

/**
 * The index of the first byte from `at` on that belongs to no target: a blank, a control, `#`, or one above ASCII, which Node's parser
 * refuses as well (RFC 9112 §3.2, RFC 3986 §2).
 */
export function findTargetEnd(buffer: Buffer, at: number): number {
  let end = at;
  let byte = buffer[end] ?? 0;
  while (byte > 32 && byte !== hash && byte < firstAboveTarget) {
    end += 1;
    byte = buffer[end] ?? 0;
  }
  return end;
}

/** The path and authority of a target in origin, absolute or asterisk form; else the status to answer with. */
export function toRequestTarget(target: string, method: string): RequestTarget | number {
  if (target.length > maxTargetLength) return 414;
  if (target.startsWith("/")) return { path: target, authority: undefined };
  if (target === "*") return method === "OPTIONS" ? { path: target, authority: undefined } : 400;
  return fromAbsoluteForm(target, method) ?? 400;
}

/** RFC 9112 §3.2.2. */
function fromAbsoluteForm(target: string, method: string): RequestTarget | undefined {
  const match = /^https?:\/\/([^/?]*)(.*)$/is.exec(target);
  const [, authority = "", rest = ""] = match ?? [];
  if (!isAuthority(authority)) return undefined;
  // §3.2.4: a request about the server as a whole.
  if (rest === "") return { path: method === "OPTIONS" ? "*" : "/", authority };
  return { path: rest.startsWith("/") ? rest : `/${rest}`, authority };
}
