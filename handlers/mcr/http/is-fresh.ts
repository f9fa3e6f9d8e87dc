import type { Digest } from "../domain/digest.ts";

/** Says whether the caller holds content of this digest already (`If-None-Match`, RFC 9110 §13.1.2). */
export function isFresh(request: Request, digest: Digest): boolean {
  const known = request.headers.get("if-none-match")?.split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  return known !== undefined && (known.includes(`"${digest}"`) || known.includes("*"));
}
