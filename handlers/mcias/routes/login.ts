import { mciasContract } from "#shared/contract/mcias.ts";
import { platformAudience } from "#shared/contract/principal.ts";
import type { Api } from "#shared/contract/server.ts";
import { withCheckedPassword } from "../check-password.ts";
import type { MciasContext } from "../context.ts";
import { issueToken } from "../issue-token.ts";

/** Serves `auth.login`: a token for whoever knows the password. The audit line names the account that was tried. */
export function implementLogin(api: Api, context: MciasContext): void {
  api.implement(mciasContract.login, ({ body, clientIp, setResource }) => {
    setResource(body.username);
    const audience = body.serviceName ?? platformAudience;
    return withCheckedPassword(
      context,
      { ...body, clientIp },
      (tx, account) =>
        issueToken(tx, account, { ...context, now: context.now(), audience: [audience], clientId: audience }),
    );
  });
}
