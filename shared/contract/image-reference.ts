import { PlatformError } from "../errors/platform-error.ts";

/** The parts of an image reference `registry/repository:tag`. */
export interface ImageReference {
  /** Host and optional port. */
  readonly registry: string;
  /** Path inside the registry, such as `team/web`. */
  readonly repository: string;
  /** The part of the repository after its last `/`: the key in `[build.images]`. */
  readonly name: string;
  readonly tag: string;
}

const pattern =
  /^([a-z0-9.-]+(?::\d{1,5})?)\/([a-z0-9]+(?:(?:\.|_|__|-+|\/)[a-z0-9]+)*):([A-Za-z0-9_][A-Za-z0-9._-]{0,127})$/;
const semver = /^v?(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?$/;

/**
 * The parts of a full image reference that is pinned to a semantic version (guide §2, version pinning).
 *
 * @throws {PlatformError} invalid-definition — when a part is missing, or the tag is not a version
 */
export function parseImageReference(text: string): ImageReference {
  const [, registry, repository, tag] = pattern.exec(text) ?? [];
  if (registry === undefined || repository === undefined || tag === undefined) {
    throw new PlatformError(
      "invalid-definition",
      `Cannot use image "${text}": it is not a full reference, expected <registry>/<repository>:<version>`,
    );
  }
  if (!semver.test(tag)) {
    throw new PlatformError(
      "invalid-definition",
      `Cannot use image "${text}": its tag is "${tag}", expected a semantic version such as v1.2.3`,
    );
  }
  return { registry, repository, name: repository.split("/").at(-1) ?? repository, tag };
}
