import { mcnsContract } from "#shared/contract/mcns.ts";
import type { Api } from "#shared/contract/server.ts";
import type { McnsContext } from "../context.ts";

import { createStaticRecord } from "../create-record.ts";

/** Serves `record.create`. */
export function implementCreateRecord(api: Api, context: McnsContext): void {
  api.implement(mcnsContract.createRecord, async ({ params, body, principal, setResource }) => {
    setResource(`${body.name} ${body.type} ${body.value}`);
    return await createStaticRecord(context, params.zone, { record: body, owner: principal.username });
  });
}
