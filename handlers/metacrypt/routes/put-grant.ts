import { metacryptContract } from "#shared/contract/metacrypt.ts";
import { isAdmin, type Principal } from "#shared/contract/principal.ts";
import type { Api } from "#shared/contract/server.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import type { MetacryptContext } from "../context.ts";
import { replaceGrants } from "../store/grant-store.ts";

/** The one system account that grants names: the control plane, which knows who routes what. */
const grantingSystem = "mcp";

/** Serves `grant.put`; an empty list takes all names of the owner's away. */
export function implementPutGrant(api: Api, { database }: MetacryptContext): void {
  api.implement(metacryptContract.putGrant, async ({ params, body, principal, setResource }) => {
    setResource([`${params.account}/${params.owner}`, ...body.names].join(" "));
    assertMayGrant(principal);
    await database.transaction((tx) => replaceGrants(tx, { ...params, names: body.names }));
    return undefined;
  });
}

function assertMayGrant(principal: Principal): void {
  if (isAdmin(principal) || (principal.kind === "system" && principal.username === grantingSystem)) return;
  throw new PlatformError(
    "forbidden",
    `Cannot grant names as "${principal.username}": it is another system, expected "${grantingSystem}" or an admin`,
  );
}
