import type { z } from "zod";
import type { mcrContract } from "#shared/contract/mcr.ts";
import type { Call } from "#shared/contract/server.ts";
import type { McrStore } from "../store.ts";
import { assertAllowed } from "../domain/policy.ts";

type ListCall = Call<unknown, z.output<typeof mcrContract.listImages.query>, unknown>;

/** Repositories with their tags, for people and programs of the platform. */
export async function listImages(
  { query, principal }: ListCall,
  store: McrStore,
): Promise<z.input<typeof mcrContract.listImages.answer>> {
  assertAllowed(principal, { action: "catalog" });
  return { images: await store.lists.listImages({ entries: query.limit, after: query.after ?? "" }) };
}
