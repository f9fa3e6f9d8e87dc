import { mcnsContract } from "#shared/contract/mcns.ts";
import type { Api } from "#shared/contract/server.ts";

import { PlatformError } from "#shared/errors/platform-error.ts";
import { changeZone } from "../change-zone.ts";
import type { McnsContext } from "../context.ts";

/** Serves `record.delete`. */
export function implementDeleteRecord(api: Api, context: McnsContext): void {
  api.implement(mcnsContract.deleteRecord, async ({ params, setResource }) => {
    await changeZone(context, params.zone, (current) => {
      const record = current.find(({ id }) => id === params.id);
      if (record === undefined) {
        throw new PlatformError(
          "not-found",
          `Cannot delete the record "${params.id}": it is not in the zone "${params.zone}"`,
        );
      }
      setResource(`${record.name} ${record.type} ${record.value}`);
      if (record.source === "derived") {
        throw new PlatformError(
          "conflict",
          `Cannot delete the record "${record.name} ${record.type}": it is derived by "${record.owner}", expected a static record`,
        );
      }
      return { added: [], removed: [record] };
    });
    return undefined;
  });
}
