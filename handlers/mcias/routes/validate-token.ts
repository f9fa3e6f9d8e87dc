import { mciasContract } from "#shared/contract/mcias.ts";
import type { Api } from "#shared/contract/server.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import type { MciasContext } from "../context.ts";

/** Serves `token.validate`: whom a live token stands for; every dead one gets the same answer. */
export function implementValidateToken(api: Api, { validator }: MciasContext): void {
  api.implement(mciasContract.validateToken, async ({ body }) => {
    try {
      return { valid: true, principal: await validator.validateToken(body.token) };
    } catch (error) {
      if (error instanceof PlatformError && error.httpStatus === 401) return { valid: false };
      throw error;
    }
  });
}
