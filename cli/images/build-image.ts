import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { BuildableImage, ServiceDefinition } from "#shared/contract/definition.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import type { Platform } from "../platform/connect.ts";
import { createStyle } from "../render/style.ts";
import type { Cli } from "../world.ts";
import { createPushCredentials } from "./push-credentials.ts";
import { type PodmanRun, runPodman } from "./run-podman.ts";

/** What building needs. */
export interface BuildContext {
  readonly cli: Cli;
  readonly platform: Platform;
}

/** The folder of a service's source tree. */
export function sourceDirOf(workspaceDir: string, { path, name }: Pick<ServiceDefinition, "path" | "name">): string {
  return join(workspaceDir, path ?? name);
}

/** What is missing to build an image — a sentence's end such as `its source "…" does not exist` — or `undefined`. */
export async function findMissingSource(
  workspaceDir: string,
  definition: ServiceDefinition,
  image: BuildableImage,
): Promise<string | undefined> {
  const sourceDir = sourceDirOf(workspaceDir, definition);
  const source = await stat(sourceDir).catch(() => undefined);
  if (source?.isDirectory() !== true) return `its source "${sourceDir}" does not exist`;
  const dockerfile = join(sourceDir, image.dockerfile);
  const file = await stat(dockerfile).catch(() => undefined);
  return file?.isFile() === true ? undefined : `its Dockerfile "${dockerfile}" does not exist`;
}

/**
 * Builds an image from its source and pushes it to the registry; podman's output goes to stderr, each line behind the image's name.
 *
 * @throws {PlatformError} build-failed — when source or Dockerfile is missing, or podman fails
 */
export async function buildImage(
  { cli, platform }: BuildContext,
  definition: ServiceDefinition,
  image: BuildableImage,
): Promise<void> {
  const { config } = platform;
  const missing = await findMissingSource(config.workspaceDir, definition, image);
  if (missing !== undefined) {
    throw new PlatformError(
      "build-failed",
      `Cannot build "${image.image}": ${missing}, expected it there (workspace in [build] of "${config.path}", path in the definition)`,
      {
        details: {
          next: `correct workspace in "${config.path}" or path in the definition, then run the same command again`,
        },
      },
    );
  }
  // Known before the long build: a push that cannot be authorised should not cost one.
  const { username } = await platform.mcias.whoami({ signal: cli.interrupt });
  const podman = createPodman({ cli, platform }, image);
  const sourceDir = sourceDirOf(config.workspaceDir, definition);
  await podman(`build "${image.image}"`, toBuildArguments(image, sourceDir));
  const { registry, repository, tag } = image.reference;
  const target = config.pushRegistry ?? registry;
  await using credentials = await createPushCredentials({
    registry: target,
    username,
    token: await platform.token(),
    caPath: config.caPath,
  });
  await podman(`push "${image.image}" to ${target}`, [
    "push",
    ...credentials.arguments,
    image.image,
    `docker://${target}/${repository}:${tag}`,
  ]);
}

/**
 * The arguments of `podman build` that make an image of a source tree. The label is no decoration: podman 4.3 reuses a cached
 * `ENV VERSION=${VERSION}` whatever the argument's value (buildah compares the instruction as written), and an image whose every
 * step is cached would carry an older version's environment. A label that differs makes the last stage's configuration anew.
 */
export function toBuildArguments({ image, reference, dockerfile }: BuildableImage, sourceDir: string): string[] {
  return [
    "build",
    "--build-arg",
    `VERSION=${reference.tag}`,
    "--label",
    `org.opencontainers.image.version=${reference.tag}`,
    "-t",
    image,
    "-f",
    join(sourceDir, dockerfile),
    sourceDir,
  ];
}

function createPodman({ cli, platform }: BuildContext, image: BuildableImage) {
  const { containersConfPath, registriesConfPath } = platform.config;
  const env = {
    ...cli.env,
    ...(containersConfPath === undefined ? {} : { CONTAINERS_CONF: containersConfPath }),
    ...(registriesConfPath === undefined ? {} : { CONTAINERS_REGISTRIES_CONF: registriesConfPath }),
  };
  const prefix = createStyle(cli, cli.stderr).dim(`${image.reference.name} |`);
  const onLine: PodmanRun["onLine"] = (line) => cli.json ? undefined : cli.stderr.write(`${prefix} ${line}\n`);
  return (action: string, words: readonly string[]) =>
    runPodman({ action, arguments: words, env, signal: cli.interrupt, onLine });
}
