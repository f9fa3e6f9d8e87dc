import { readFile } from "node:fs/promises";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { z } from "zod";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { parseConfig } from "#shared/mcdsl/config.ts";
import { parseToml } from "#shared/mcdsl/toml.ts";
import type { Cli } from "../world.ts";
import { hasCode } from "./system-error.ts";

const Path = z.string().max(4096);

/** `[[nodes]]` of the guide §10. */
const NodeEntry = z.strictObject({
  name: z.string().max(64),
  address: z.string().max(255).optional(),
  ssh: z.string().max(255).optional(),
  arch: z.string().max(32).optional(),
});

/** The operator's `mcp.toml`. */
export const ConfigFile = z.strictObject({
  api: z.strictObject({
    url: z.url({ protocol: /^https?$/, error: "expected an http or https URL" }).optional(),
    ca_cert: Path.default(""),
  }).prefault({}),
  services: z.strictObject({
    dir: Path.default("services"),
    registry: z.string().max(255).default("mcr.svc.mcp.metacircular.net:8443"),
  }).prefault({}),
  build: z.strictObject({
    workspace: Path.default("~/src/metacircular"),
    registry: z.string().max(255).default(""),
    containers_conf: Path.default(""),
    registries_conf: Path.default(""),
  }).prefault({}),
  auth: z.strictObject({ token_path: Path.default("token") }).prefault({}),
  nodes: z.array(NodeEntry).max(1000).default([]),
});

/** Configuration of the CLI. Paths are absolute; `undefined` stands for "not set". */
export interface CliConfig {
  /** Where it was read from, whether or not the file exists. */
  readonly path: string;
  /** Origin that offers every system. */
  readonly apiUrl: string | undefined;
  /** CA file of an https origin. */
  readonly caPath: string | undefined;
  /** Folder of the service definitions. */
  readonly servicesDir: string;
  /** Registry, as images name it, and node of a definition that is begun. */
  readonly newDefinition: { readonly registry: string; readonly node: string };
  /** Folder of the source trees. */
  readonly workspaceDir: string;
  /** `host:port` that images are pushed to, instead of the registry that they name. */
  readonly pushRegistry: string | undefined;
  readonly containersConfPath: string | undefined;
  readonly registriesConfPath: string | undefined;
  readonly tokenPath: string;
}

/** The path of the configuration: `--config`, `$MCP_CONFIG`, or `mcp/mcp.toml` in the XDG configuration folder. */
export function configPathOf(cli: Pick<Cli, "configPath" | "env" | "homeDir">): string {
  const chosen = cli.configPath ?? nonEmpty(cli.env["MCP_CONFIG"]);
  if (chosen !== undefined) return resolve(expandHome(chosen, cli.homeDir));
  return join(nonEmpty(cli.env["XDG_CONFIG_HOME"]) ?? join(cli.homeDir, ".config"), "mcp", "mcp.toml");
}

/**
 * The CLI's configuration; each key can be overridden by `$MCP_<SECTION>_<KEY>`, such as `$MCP_API_URL`. A file that does not
 * exist counts as empty, unless the operator named it.
 *
 * @throws {PlatformError} invalid-config — with all problems at once
 */
export async function loadCliConfig(cli: Pick<Cli, "configPath" | "env" | "homeDir">): Promise<CliConfig> {
  const path = configPathOf(cli);
  const isChosen = cli.configPath !== undefined || nonEmpty(cli.env["MCP_CONFIG"]) !== undefined;
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    if (hasCode(cause, "ENOENT") && !isChosen) return "";
    throw new PlatformError(
      "invalid-config",
      `Cannot read the configuration "${path}": it is not readable, expected a TOML file`,
      { cause },
    );
  });
  const file = parseConfig(parseToml(text, path), { schema: ConfigFile, path, envPrefix: "MCP", env: cli.env });
  const absolute = (value: string) => {
    const expanded = expandHome(value, cli.homeDir);
    return isAbsolute(expanded) ? expanded : join(dirname(path), expanded);
  };
  const absoluteOrUndefined = (value: string) => value === "" ? undefined : absolute(value);
  return {
    path,
    apiUrl: file.api.url,
    caPath: absoluteOrUndefined(file.api.ca_cert),
    servicesDir: absolute(file.services.dir),
    newDefinition: { registry: file.services.registry, node: file.nodes[0]?.name ?? "rift" },
    workspaceDir: absolute(file.build.workspace),
    pushRegistry: nonEmpty(file.build.registry),
    containersConfPath: absoluteOrUndefined(file.build.containers_conf),
    registriesConfPath: absoluteOrUndefined(file.build.registries_conf),
    tokenPath: absolute(file.auth.token_path),
  };
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}

function expandHome(path: string, homeDir: string): string {
  return path === "~" || path.startsWith("~/") ? join(homeDir, path.slice(1)) : path;
}
