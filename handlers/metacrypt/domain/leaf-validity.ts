/** Longest life of a leaf, in seconds. */
export const maxLeafSeconds = 90 * 86_400;
/** How far back a certificate begins, for clocks that are late, in seconds. */
export const backdateSeconds = 300;

/** When a certificate begins and ends, in whole seconds as X.509 has no finer ones (RFC 5280 §4.1.2.5). */
export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** The validity of a leaf from now on: as long as asked for, but never longer than 90 days or than its issuer. */
export function leafValidity(nowMs: number, ttlSeconds: number, issuerNotAfterMs: number): Validity {
  const nowSeconds = Math.floor(nowMs / 1000);
  const endSeconds = Math.min(nowSeconds + Math.min(ttlSeconds, maxLeafSeconds), Math.floor(issuerNotAfterMs / 1000));
  return { notBefore: new Date((nowSeconds - backdateSeconds) * 1000), notAfter: new Date(endSeconds * 1000) };
}
