import { viaName } from "../l7/forwarded-fields.ts";
import { addConnectionOptions, type ConnectionOptions, createConnectionOptions } from "./connection-options.ts";
import type { FieldLine } from "./field-line.ts";
import { isChunkedCoding, isUnknownCoding, toContentLength, toTokens } from "./framing-values.ts";
import { createFault, type HeadFault } from "./head-fault.ts";

/** What the fields of a request say so far. */
export interface RequestFields {
  readonly version: "1.0" | "1.1";
  /** Those to forward, names and values in turn. */
  readonly fields: string[];
  readonly options: ConnectionOptions;
  host: string | undefined;
  /** -1 without one. */
  contentLength: number;
  isChunked: boolean;
  expectsContinue: boolean;
  acceptsTrailers: boolean;
  upgrade: string;
  via: string;
  claimedFor: string;
  claimedId: string;
  /** A second one is nobody's. */
  hasClaimedId: boolean;
}

/** How often our name may be in `Via` before it is a loop (RFC 9110 §7.6.3). */
const maxHops = 4;
const maxIdLength = 64;

/** Nothing said yet. */
export function createRequestFields(version: "1.0" | "1.1"): RequestFields {
  return {
    version,
    fields: [],
    options: createConnectionOptions(),
    host: undefined,
    contentLength: -1,
    isChunked: false,
    expectsContinue: false,
    acceptsTrailers: false,
    upgrade: "",
    via: "",
    claimedFor: "",
    claimedId: "",
    hasClaimedId: false,
  };
}

/** Takes a field that is not simply forwarded; gives the fault that it makes. */
export function takeRequestField(
  found: RequestFields,
  { name, isPlain }: FieldLine,
  value: string,
): HeadFault | undefined {
  switch (name.kind) {
    case "host":
      if (found.host !== undefined) return createFault(400, "there is not exactly one valid Host");
      found.host = value;
      return undefined;
    case "contentLength":
      return takeContentLength(found, isPlain ? value : "");
    case "transferEncoding":
      return takeTransferEncoding(found, isPlain ? value : "");
    case "connection":
      addConnectionOptions(found.options, value);
      return undefined;
    case "expect":
      if (value.toLowerCase() !== "100-continue") return createFault(417, "the expectation is unknown");
      found.expectsContinue = true;
      return undefined;
    case "via":
      found.via = join(found.via, value);
      return isLoop(found.via) ? createFault(508, "the request went around in a loop") : undefined;
    default:
      takeClaim(found, name.kind, value);
      return undefined;
  }
}

function takeClaim(found: RequestFields, kind: string, value: string): void {
  if (kind === "te") found.acceptsTrailers ||= toTokens(value).includes("trailers");
  else if (kind === "upgrade") found.upgrade = join(found.upgrade, value);
  else if (kind === "forwardedFor") found.claimedFor = join(found.claimedFor, value);
  else if (kind === "requestId") {
    found.claimedId = !found.hasClaimedId && isSaneId(value) ? value : "";
    found.hasClaimedId = true;
  }
}

function takeContentLength(found: RequestFields, value: string): HeadFault | undefined {
  const length = toContentLength(value);
  if (length === -1 || found.contentLength !== -1) return createFault(400, "the Content-Length is malformed");
  found.contentLength = length;
  return undefined;
}

function takeTransferEncoding(found: RequestFields, value: string): HeadFault | undefined {
  if (found.version === "1.0") return createFault(400, "HTTP/1.0 has no Transfer-Encoding");
  if (found.isChunked) return createFault(400, "there are several Transfer-Encoding fields");
  if (isUnknownCoding(value)) return createFault(501, "the Transfer-Encoding is unknown");
  if (!isChunkedCoding(value)) return createFault(400, "the Transfer-Encoding is malformed");
  found.isChunked = true;
  return undefined;
}

function join(before: string, value: string): string {
  return before === "" ? value : `${before}, ${value}`;
}

/** Whether `Via` names us more often than a sound set-up would. */
function isLoop(via: string): boolean {
  if (!via.includes(viaName)) return false;
  return via.split(",").filter((hop) => hop.trim().split(/[ \t]+/)[1] === viaName).length > maxHops;
}

/** Whether a log may quote `text` as an id. */
function isSaneId(text: string): boolean {
  return text.length <= maxIdLength && /^[A-Za-z0-9._-]+$/.test(text);
}
