import { errorCatalogue, type ErrorCode } from "#shared/errors/catalogue.ts";
import { describeError, PlatformError } from "#shared/errors/platform-error.ts";
import { listDefinitionNames, loadDefinition } from "../definitions/definition-files.ts";
import { ensureImages, type ImageState } from "../images/ensure-images.ts";
import { connect, type Platform } from "../platform/connect.ts";
import { printData } from "../render/print.ts";
import type { Style } from "../render/style.ts";
import { type Cli, type CommandInput, hasFlag } from "../world.ts";

interface SyncedService {
  readonly service: string;
  readonly revision: number | null;
  readonly changed: boolean | null;
  readonly images: readonly ImageState[];
  readonly error: { readonly code: ErrorCode; readonly message: string } | null;
}

/**
 * Stores every definition in the control plane and builds the images that the registry lacks; deploys nothing. One service that
 * cannot be synced does not hold up the others.
 */
export async function sync(cli: Cli, input: CommandInput): Promise<void> {
  using platform = await connect(cli);
  const { servicesDir } = platform.config;
  const names = await listDefinitionNames(servicesDir);
  if (names.length === 0) {
    throw new PlatformError(
      "not-found",
      `Cannot sync "${servicesDir}": it has no definitions, expected at least one <service>.toml`,
      {
        details: { next: "mcp edit <service>, to write the first definition" },
      },
    );
  }
  // A refusal of the operator as such is one error, not one for each service.
  await platform.mcp.listServices({ signal: cli.interrupt });
  const isDryRun = hasFlag(input, "dryRun");
  const services: SyncedService[] = [];
  for (const service of names) services.push(await syncService({ cli, platform, service, isDryRun }));
  printData(
    cli,
    { dryRun: isDryRun, services },
    (style) => services.map((synced) => describeSynced(synced, isDryRun, style)).join(""),
  );
  const failed = services.filter(({ error }) => error !== null).map(({ service }) => service);
  if (failed.length === 0) return;
  throw new PlatformError(
    firstCode(services),
    `Cannot sync ${failed.length} of ${names.length} services: ${failed.join(", ")}; the others are done`,
    {
      details: {
        services: services.filter(({ error }) => error !== null).map(({ service, error }) => ({ service, ...error })),
        next: `mcp edit ${failed[0]}`,
      },
    },
  );
}

interface SyncOne {
  readonly cli: Cli;
  readonly platform: Platform;
  readonly service: string;
  readonly isDryRun: boolean;
}

async function syncService({ cli, platform, service, isDryRun }: SyncOne): Promise<SyncedService> {
  const synced: { -readonly [K in keyof SyncedService]: SyncedService[K] } = {
    service,
    revision: null,
    changed: null,
    images: [],
    error: null,
  };
  try {
    const { definition } = await loadDefinition(platform.config.servicesDir, service);
    if (!isDryRun) {
      const stored = await platform.mcp.putService({ params: { service }, body: definition, signal: cli.interrupt });
      Object.assign(synced, { revision: stored.revision, changed: stored.changed });
    }
    synced.images = await ensureImages({ cli, platform }, definition, { isDryRun });
  } catch (error) {
    if (!(error instanceof PlatformError) || error.httpStatus === 401 || cli.interrupt.aborted) throw error;
    synced.error = { code: error.code, message: describeError(error) };
  }
  return synced;
}

/** The code of the first failure; a file whose name is no service name is a wrong definition here, not wrong usage. */
function firstCode(services: readonly SyncedService[]): ErrorCode {
  const code = services.find(({ error }) => error !== null)?.error?.code ?? "internal";
  return errorCatalogue[code].exitCode === 1 ? code : "invalid-definition";
}

function describeSynced(
  { service, revision, changed, images, error }: SyncedService,
  isDryRun: boolean,
  style: Style,
): string {
  if (error !== null) return `${style.red("✗")} ${style.bold(service)}: ${error.message}\n`;
  const stored = isDryRun
    ? "valid"
    : changed === true
    ? `stored as revision ${revision}`
    : `unchanged, revision ${revision}`;
  const notable = images.filter(({ state }) => state !== "present").map(({ image, state }) =>
    `\n    ${image}: ${imageWords[state]}`
  );
  return `${style.green("✓")} ${style.bold(service)}: ${stored}${notable.join("")}\n`;
}

const imageWords = {
  present: "in the registry",
  built: "was missing, built and pushed",
  missing: "is missing and would be built",
  foreign: "is in another registry, not checked",
} as const;
