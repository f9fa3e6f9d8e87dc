import { ociError } from "./oci-error.ts";

/** Longest page of tags, repositories or referrers; a longer one asked for is cut, with a link to the next. */
export const maxPageEntries = 1000;

/** Which part of a list is asked for (OCI distribution-spec, "Listing Tags"). */
export interface Page {
  /** Number of entries, 0 to {@link maxPageEntries}. */
  readonly entries: number;
  /** Entries up to and including this one are left out. */
  readonly after: string;
}

/**
 * The page that `n` and `last` ask for.
 *
 * @throws {PlatformError} invalid-request (PAGINATION_NUMBER_INVALID) — when `n` is not a whole number from 0
 */
export function parsePage(query: URLSearchParams): Page {
  const text = query.get("n");
  if (text !== null && !/^\d{1,9}$/.test(text)) {
    throw ociError(
      "PAGINATION_NUMBER_INVALID",
      `Cannot list "${text.slice(0, 32)}" entries: it is not a number, expected a whole number from 0`,
    );
  }
  return {
    entries: Math.min(text === null ? maxPageEntries : Number(text), maxPageEntries),
    after: query.get("last") ?? "",
  };
}

/** The `Link` field that leads to the entries behind `last` (RFC 8288). */
export function formatNextLink(path: string, query: Readonly<Record<string, string>>): string {
  return `<${path}?${new URLSearchParams(query)}>; rel="next"`;
}

/** The page cut from one entry more than it may hold, and whether there is a next one. */
export function cutPage<T>(rows: readonly T[], page: Page): { readonly rows: readonly T[]; readonly hasMore: boolean } {
  return { rows: rows.slice(0, page.entries), hasMore: page.entries > 0 && rows.length > page.entries };
}
