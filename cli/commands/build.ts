import { type BuildableImage, listBuildableImages, type ServiceDefinition } from "#shared/contract/definition.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { loadDefinition } from "../definitions/definition-files.ts";
import { buildImage } from "../images/build-image.ts";
import { connect } from "../platform/connect.ts";
import { didYouMean } from "../render/did-you-mean.ts";
import { printData } from "../render/print.ts";
import { argumentAt, type Cli, type CommandInput } from "../world.ts";

/** Builds and pushes the images of a service, or the one that is named behind a `/`. */
export async function build(cli: Cli, input: CommandInput): Promise<void> {
  using platform = await connect(cli);
  const [service = "", name] = argumentAt(input, 0).split("/", 2);
  const { definition, path } = await loadDefinition(platform.config.servicesDir, service);
  const images = chooseImages(definition, name, path);
  for (const image of images) await buildImage({ cli, platform }, definition, image);
  printData(
    cli,
    { service, images: images.map(({ image }) => image) },
    (style) =>
      [...images.map(({ image }) => `${style.green("Pushed")} ${image}\n`), `Next: mcp deploy ${service}\n`].join(""),
  );
}

function chooseImages(definition: ServiceDefinition, name: string | undefined, path: string): BuildableImage[] {
  const all = listBuildableImages(definition);
  const chosen = name === undefined ? all : all.filter(({ reference }) => reference.name === name);
  if (chosen.length > 0) return chosen;
  const known = all.map(({ reference }) => reference.name);
  if (name === undefined || known.length === 0) {
    throw new PlatformError(
      "invalid-definition",
      `Cannot build "${definition.name}": "${path}" names no Dockerfile, expected an entry in [build.images]`,
    );
  }
  throw new PlatformError(
    "not-found",
    `Cannot build image "${name}" of "${definition.name}": [build.images] has no such entry, ${
      didYouMean(name, known)
    }expected one of: ${known.join(", ")}`,
  );
}
