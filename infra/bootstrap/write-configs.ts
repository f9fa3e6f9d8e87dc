import { mkdir, readFile } from "node:fs/promises";
import { formatToml, parseToml } from "#shared/mcdsl/toml.ts";
import { writeFileAtomically } from "#shared/store/atomic-file.ts";
import { programNames } from "./layout.ts";
import { type ConfigFiles, type PlatformFacts, toCliConfig, toProgramConfigs } from "./program-configs.ts";

const head = '# Written by "metacircular up" at each start: changes here do not stay.\n';
const cliHead = '# Kept by "metacircular up": it sets [api] and the registries at each start, the rest is yours.\n';

/** Writes the configuration of each program and the operator's `mcp.toml`, all with mode 0600. */
export async function writeConfigs(facts: PlatformFacts, files: ConfigFiles): Promise<void> {
  const { layout } = files;
  const configs = toProgramConfigs(facts, layout);
  for (const name of programNames) await writeFileAtomically(layout.config(name), head + formatToml(configs[name]));
  for (const folder of [layout.services, layout.workspace]) await mkdir(folder, { recursive: true });
  const kept = await readKept(layout.cliConfig);
  await writeFileAtomically(layout.cliConfig, cliHead + formatToml(mergeTables(toCliConfig(facts, files), kept)));
}

async function readKept(path: string): Promise<Record<string, unknown>> {
  const text = await readFile(path, "utf8").catch(() => "");
  return parseToml(text, path);
}

/** Keys whose values follow the platform at each start; all others are the operator's once they are there. */
const platformKeys = new Set([
  "api.url",
  "api.ca_cert",
  "services.registry",
  "build.registry",
  "build.containers_conf",
  "build.registries_conf",
]);

/** The fresh table, with what the operator changed or added in the kept one. */
export function mergeTables(
  fresh: Record<string, unknown>,
  kept: Record<string, unknown>,
  place = "",
): Record<string, unknown> {
  const merged = { ...fresh };
  for (const [key, value] of Object.entries(kept)) {
    const path = `${place}${key}`;
    const own = merged[key];
    if (isTable(own) && isTable(value)) merged[key] = mergeTables(own, value, `${path}.`);
    else if (!platformKeys.has(path)) merged[key] = value;
  }
  return merged;
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
