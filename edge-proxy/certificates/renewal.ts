import type { CheckedCertificate } from "./check-certificate.ts";

/** Start and end of a certificate's life. */
export type Life = Pick<CheckedCertificate, "notBefore" | "notAfter">;

/** Renewal is due at this share of the life, less up to a tenth of it at random so that names spread out. */
const renewalShare = 2 / 3;
const jitterShare = 1 / 10;
const dayMs = 86_400_000;

/** Days before its end at which a certificate that nobody has replaced is warned of. */
export const warningDays = [3, 14, 30] as const;

/** When to renew, in milliseconds since 1970; `random` in [0, 1) is the jitter. */
export function renewalTime({ notBefore, notAfter }: Life, random: number = Math.random()): number {
  const lifeMs = notAfter.getTime() - notBefore.getTime();
  return notBefore.getTime() + lifeMs * (renewalShare - random * jitterShare);
}

/** The fewest of the {@link warningDays} that are left; `undefined` while there are more, or when the whole life is as short. */
export function daysToWarnOf({ notBefore, notAfter }: Life, now: Date): (typeof warningDays)[number] | undefined {
  const lifeMs = notAfter.getTime() - notBefore.getTime();
  const leftMs = notAfter.getTime() - now.getTime();
  return warningDays.find((days) => leftMs <= days * dayMs && lifeMs > days * dayMs);
}
