import { Buffer } from "node:buffer";
import { z } from "zod";

const Claims = z.object({ iat: z.number(), exp: z.number() });

/** Says whether more than half of a JWT's life is over, and it still lives. Looks at `iat` and `exp` only; proves nothing. */
export function isPastHalfLife(token: string, now: Date): boolean {
  const claims = readClaims(token);
  const seconds = now.getTime() / 1000;
  return claims !== undefined && seconds > (claims.iat + claims.exp) / 2 && seconds < claims.exp;
}

function readClaims(token: string): z.infer<typeof Claims> | undefined {
  try {
    return Claims.parse(JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8")));
  } catch {
    return undefined; // an opaque token: nothing can be said about it
  }
}
