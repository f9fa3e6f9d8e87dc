import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ServiceDefinition } from "#shared/contract/definition.ts";
import { Label } from "#shared/contract/names.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { hasCode } from "../platform/system-error.ts";
import { didYouMean } from "../render/did-you-mean.ts";
import { checkDefinition } from "./check-definition.ts";

/** A definition and the file that it was read from. */
export interface DefinitionFile {
  readonly path: string;
  readonly text: string;
  readonly definition: ServiceDefinition;
}

/**
 * The name of a service as the operator typed it.
 *
 * @throws {PlatformError} invalid-usage — when it is no service name
 */
export function checkServiceName(service: string): string {
  if (Label.safeParse(service).success) return service;
  throw new PlatformError(
    "invalid-usage",
    `Cannot use "${service}": it is no service name, expected at most 48 lower-case letters, digits and '-', starting with a letter`,
  );
}

/**
 * The path of a service's definition. The name is checked first: it becomes part of a path.
 *
 * @throws {PlatformError} invalid-usage — when it is no service name
 */
export function definitionPath(servicesDir: string, service: string): string {
  return join(servicesDir, `${checkServiceName(service)}.toml`);
}

/** The text of a service's definition, or `undefined` when there is no file. */
export async function findDefinitionText(servicesDir: string, service: string): Promise<string | undefined> {
  const path = definitionPath(servicesDir, service);
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    if (hasCode(cause, "ENOENT")) return undefined;
    throw new PlatformError(
      "invalid-definition",
      `Cannot read the definition "${path}": it is not readable, expected a file`,
      { cause },
    );
  }
}

/**
 * A service's definition from its file.
 *
 * @throws {PlatformError} not-found — when there is no file; invalid-definition — with every problem of it
 */
export async function loadDefinition(servicesDir: string, service: string): Promise<DefinitionFile> {
  const path = definitionPath(servicesDir, service);
  const text = await findDefinitionText(servicesDir, service);
  if (text === undefined) {
    const known = await listDefinitionNames(servicesDir);
    const others = known.length === 0
      ? "expected a file"
      : `${didYouMean(service, known)}expected one of: ${known.join(", ")}`;
    throw new PlatformError(
      "not-found",
      `Cannot read the definition of "${service}": "${path}" does not exist, ${others}`,
      {
        details: { next: `mcp edit ${service}, to write it` },
      },
    );
  }
  return { path, text, definition: checkDefinition({ text, path, service }) };
}

/** The names of the services that have a definition, in alphabetical order. */
export async function listDefinitionNames(servicesDir: string): Promise<string[]> {
  const names = await readdir(servicesDir).catch((cause: unknown): string[] => {
    if (hasCode(cause, "ENOENT")) return [];
    throw new PlatformError(
      "invalid-config",
      `Cannot list "${servicesDir}": it is not readable, expected the folder of the definitions`,
      { cause },
    );
  });
  return names
    .filter((name) => name.endsWith(".toml") && !name.startsWith("."))
    .map((name) => name.slice(0, -".toml".length))
    .toSorted();
}
