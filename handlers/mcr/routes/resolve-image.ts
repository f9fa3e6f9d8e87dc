import type { z } from "zod";
import type { mcrContract, ResolvedImage } from "#shared/contract/mcr.ts";
import type { Call } from "#shared/contract/server.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { parseImageReference } from "../domain/name.ts";
import { assertAllowed } from "../domain/policy.ts";
import type { McrStore } from "../store.ts";

type ResolveCall = Call<unknown, z.output<typeof mcrContract.resolveImage.query>, unknown>;

/**
 * What an image reference stands for at this moment.
 *
 * @throws {PlatformError} image-not-found — when the registry does not hold it; invalid-request — when it is malformed;
 *   forbidden — when the caller may not pull it
 */
export async function resolveImage({ query, principal }: ResolveCall, store: McrStore): Promise<ResolvedImage> {
  const { repository, reference } = parseImageReference(query.reference);
  assertAllowed(principal, { action: "pull", repository });
  const image = await store.manifests.findHead(repository, reference);
  if (image !== undefined) return image;
  throw new PlatformError(
    "image-not-found",
    `Cannot resolve "${query.reference}": the registry does not hold it, expected an image that was pushed`,
  );
}
