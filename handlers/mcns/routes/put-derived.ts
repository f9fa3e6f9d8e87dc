import { mcnsContract } from "#shared/contract/mcns.ts";
import type { Api } from "#shared/contract/server.ts";

import { PlatformError } from "#shared/errors/platform-error.ts";
import { changeZone } from "../change-zone.ts";
import type { McnsContext } from "../context.ts";

import { normaliseRecord } from "../domain/normalise-record.ts";
import { planDerived } from "../domain/plan-derived.ts";

/** Serves `record.derive`: a system account replaces all that it derives in a zone. Equal records change nothing. */
export function implementPutDerived(api: Api, context: McnsContext): void {
  api.implement(mcnsContract.putDerived, async ({ params: { zone, owner }, body, principal, setResource }) => {
    setResource(`${zone} derived by ${owner}`);
    if (principal.username !== owner) {
      throw new PlatformError(
        "forbidden",
        `Cannot derive records as "${owner}": the caller is "${principal.username}", expected the owner`,
      );
    }
    const wanted = body.records.map((record) => normaliseRecord(record, zone));
    return await changeZone(context, zone, (current) => {
      const own = current.filter((record) => record.source === "derived" && record.owner === owner);
      const { added, removed } = planDerived(own, wanted);
      return { added: added.map((record) => ({ ...record, id: context.newId(), owner, source: "derived" })), removed };
    });
  });
}
