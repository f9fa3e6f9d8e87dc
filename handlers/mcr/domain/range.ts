import { ociError } from "./oci-error.ts";

/** Bytes `first` to `last`, both included. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/**
 * What a `Range` field asks of `sizeBytes` bytes (RFC 9110 §14.2): the one range, `"unsatisfiable"` (416), or `undefined` for all of it —
 * for other units, several ranges and what is not a range at all, as the RFC lets a server ignore those.
 * A range that ends before it begins is unsatisfiable: the conformance suite wants 416.
 */
export function parseByteRange(header: string | null, sizeBytes: number): ByteRange | "unsatisfiable" | undefined {
  const match = header === null ? null : /^bytes=[ \t]*(\d{1,15})?-(\d{1,15})?[ \t]*$/i.exec(header);
  const [from, to] = [match?.[1], match?.[2]];
  if (from === undefined && to === undefined) return undefined;
  const first = from === undefined ? Math.max(0, sizeBytes - Number(to)) : Number(from);
  const last = from === undefined || to === undefined ? sizeBytes - 1 : Math.min(Number(to), sizeBytes - 1);
  return first < sizeBytes && first <= last ? { first, last } : "unsatisfiable";
}

/**
 * The bytes that an upload's `Content-Range: <first>-<last>` announces (OCI distribution-spec, "Pushing a blob in chunks"; unlike
 * RFC 9110 without unit and size, though `bytes a-b/*` is understood), or `undefined` without the field.
 *
 * @throws {PlatformError} range-not-satisfiable (BLOB_UPLOAD_INVALID) — when it is malformed
 */
export function parseContentRange(header: string | null): ByteRange | undefined {
  if (header === null) return undefined;
  const match = /^(?:bytes[ =])?(\d{1,15})-(\d{1,15})(?:\/(?:\*|\d{1,15}))?$/i.exec(header.trim());
  const range = { first: Number(match?.[1]), last: Number(match?.[2]) };
  if (match === null || range.first > range.last) {
    throw ociError(
      "BLOB_UPLOAD_INVALID",
      `Cannot continue the upload at "${header.slice(0, 64)}": the range is malformed, expected <first>-<last>`,
    );
  }
  return range;
}

/** The `Range` field that says how many bytes of an upload are stored. An empty upload is `0-0` too, as distribution answers it. */
export function formatUploadRange(offsetBytes: number): string {
  return `0-${Math.max(0, offsetBytes - 1)}`;
}
