import { mciasContract } from "#shared/contract/mcias.ts";
import type { Api } from "#shared/contract/server.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import type { MciasContext } from "../context.ts";
import { createPerson } from "../create-person.ts";
import { insertAccount, toAccount } from "../store/account-store.ts";

/** Serves `account.create`. */
export function implementCreateAccount(api: Api, { database, hasher, now }: MciasContext): void {
  api.implement(mciasContract.createAccount, async ({ body, setResource }) => {
    setResource(body.username);
    const account = createPerson({
      ...body,
      passwordHash: await hasher.hash(body.password),
      createdAtMs: now().getTime(),
    });
    if (!(await insertAccount(database, account))) {
      throw new PlatformError(
        "conflict",
        `Cannot create the account "${body.username}": the name is taken, expected a free one`,
      );
    }
    return toAccount(account);
  });
}
