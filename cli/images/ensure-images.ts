import { type BuildableImage, listBuildableImages, type ServiceDefinition } from "#shared/contract/definition.ts";
import { parseImageReference } from "#shared/contract/image-reference.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { printRemark } from "../render/print.ts";
import { type BuildContext, buildImage, findMissingSource } from "./build-image.ts";

/** What was found of an image: `present` in MCR, `built` because it was missing, `missing` (would be built), or `foreign` to MCR. */
export interface ImageState {
  readonly image: string;
  readonly state: "present" | "built" | "missing" | "foreign";
}

/** How {@link ensureImages} deals with a missing image. */
export interface EnsureOptions {
  /** Only look: a missing image that could be built is reported as `missing`. */
  readonly isDryRun?: boolean;
}

/**
 * Makes sure that the registry has every image of a definition: what is missing is built and pushed when its source is there.
 *
 * @throws {PlatformError} image-not-found — when an image is missing and cannot be built; build-failed — when building it fails
 */
export async function ensureImages(
  context: BuildContext,
  definition: ServiceDefinition,
  options: EnsureOptions = {},
): Promise<ImageState[]> {
  const buildable = new Map(listBuildableImages(definition).map((image) => [image.image, image]));
  const states: ImageState[] = [];
  for (const image of new Set(definition.components.map((component) => component.image))) {
    const build = buildable.get(image);
    if (build === undefined && !isPlatformImage(image, context, buildable.values())) {
      states.push({ image, state: "foreign" });
    } else if (await isPresent(context, image)) states.push({ image, state: "present" });
    else states.push({ image, state: await buildMissing(context, { definition, image, build, options }) });
  }
  return states;
}

/** The registry is MCR when it is named so (`mcr.svc.<domain>`), is what pushes go to, or is where built images belong. */
function isPlatformImage(image: string, { platform }: BuildContext, buildable: Iterable<BuildableImage>): boolean {
  const { registry } = parseImageReference(image);
  return registry.startsWith("mcr.") || registry === platform.config.pushRegistry ||
    [...buildable].some(({ reference }) => reference.registry === registry);
}

async function isPresent({ cli, platform }: BuildContext, image: string): Promise<boolean> {
  const { repository, tag } = parseImageReference(image);
  try {
    await platform.mcr.resolveImage({ query: { reference: `${repository}:${tag}` }, signal: cli.interrupt });
    return true;
  } catch (error) {
    if (error instanceof PlatformError && error.code === "image-not-found") return false;
    throw error;
  }
}

interface MissingImage {
  readonly definition: ServiceDefinition;
  readonly image: string;
  readonly build: BuildableImage | undefined;
  readonly options: EnsureOptions;
}

async function buildMissing(
  context: BuildContext,
  { definition, image, build, options }: MissingImage,
): Promise<"built" | "missing"> {
  const obstacle = build === undefined
    ? `[build.images] of "${definition.name}" does not name it`
    : await findMissingSource(context.platform.config.workspaceDir, definition, build);
  if (build === undefined || obstacle !== undefined) {
    throw new PlatformError(
      "image-not-found",
      `Cannot use image "${image}": it is not in the registry and ${obstacle}, expected a pushed image or a source to build it from`,
    );
  }
  if (options.isDryRun === true) return "missing";
  printRemark(context.cli, `${image} is not in the registry: building it`);
  await buildImage(context, definition, build);
  return "built";
}
