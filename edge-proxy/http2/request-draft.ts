import { type FieldKind, internName, isToken } from "../http1/field-names.ts";
import { isFieldValue } from "./field-values.ts";

/** What a header section said so far. */
export interface RequestDraft {
  method: string | undefined;
  path: string | undefined;
  scheme: string | undefined;
  authority: string | undefined;
  protocol: string | undefined;
  host: string | undefined;
  contentLength: string | undefined;
  expect: string | undefined;
  via: string;
  claimedFor: string;
  claimedId: string | undefined;
  hasSeveralIds: boolean;
  /** Where in {@link fields} the value of the one Cookie is, or -1. */
  cookieAt: number;
  readonly fields: string[];
}

/** Nothing said yet. */
export function createDraft(): RequestDraft {
  return {
    method: undefined,
    path: undefined,
    scheme: undefined,
    authority: undefined,
    protocol: undefined,
    host: undefined,
    contentLength: undefined,
    expect: undefined,
    via: "",
    claimedFor: "",
    claimedId: undefined,
    hasSeveralIds: false,
    cookieAt: -1,
    fields: [],
  };
}

/** Takes a pseudo-header field, each at most once, and no unknown one (RFC 9113 §8.3.1, RFC 8441 §4); gives what is wrong with it. */
export function addPseudo(draft: RequestDraft, name: string, value: string): string | undefined {
  if (!isFieldValue(value)) return "a pseudo-header field has a control character";
  const key = pseudoKeys.get(name);
  if (key === undefined) return "there is an unknown pseudo-header field";
  if (draft[key] !== undefined) return "there are two pseudo-header fields of one name";
  draft[key] = value;
  return undefined;
}

const pseudoKeys = new Map<string, "method" | "path" | "scheme" | "authority" | "protocol">([
  [":method", "method"],
  [":path", "path"],
  [":scheme", "scheme"],
  [":authority", "authority"],
  [":protocol", "protocol"],
]);

/** Takes a field; gives what is wrong with it (RFC 9113 §8.2). */
export function addField(draft: RequestDraft, raw: string, value: string): string | undefined {
  const { kind, lower } = internName(raw);
  if (!isFieldValue(value)) return "a field has a control character";
  if (lower !== raw || !isToken(raw)) return "the name of a field is malformed";
  if (kind !== "ordinary") return addSpecial[kind](draft, value, lower);
  if (raw === "cookie") addCookie(draft, value);
  else draft.fields.push(raw, value);
  return undefined;
}

/** RFC 9113 §8.2.3: HTTP/2 may split the cookies, HTTP/1.1 must not. */
function addCookie(draft: RequestDraft, value: string): void {
  if (draft.cookieAt >= 0) draft.fields[draft.cookieAt] += `; ${value}`;
  else draft.cookieAt = draft.fields.push("cookie", value) - 1;
}

const connectionSpecific = new Set(["keep-alive", "proxy-connection"]);
const refuse = () => "there is a connection-specific field";

/** Fields that the proxy handles itself; the rest it forwards. */
const addSpecial: Record<
  Exclude<FieldKind, "ordinary">,
  (draft: RequestDraft, value: string, name: string) => string | undefined
> = {
  connection: refuse,
  upgrade: refuse,
  transferEncoding: refuse,
  hopByHop: (_draft, _value, name) => connectionSpecific.has(name) ? refuse() : undefined,
  te: (_draft, value) => value.toLowerCase() === "trailers" ? undefined : "the TE field asks for more than trailers",
  ours: () => undefined,
  host(draft, value) {
    if (draft.host !== undefined) return "there are two Host fields";
    draft.host = value;
    return undefined;
  },
  contentLength(draft, value) {
    if (draft.contentLength !== undefined) return "there are two Content-Length fields";
    draft.contentLength = value;
    return undefined;
  },
  expect(draft, value) {
    draft.expect = draft.expect === undefined ? value : `${draft.expect}, ${value}`;
    return undefined;
  },
  via(draft, value) {
    draft.via = draft.via === "" ? value : `${draft.via}, ${value}`;
    return undefined;
  },
  forwardedFor(draft, value) {
    draft.claimedFor = draft.claimedFor === "" ? value : `${draft.claimedFor}, ${value}`;
    return undefined;
  },
  requestId(draft, value) {
    if (draft.claimedId !== undefined) draft.hasSeveralIds = true;
    draft.claimedId = value;
    return undefined;
  },
};
