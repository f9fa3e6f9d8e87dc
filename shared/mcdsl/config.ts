import { readFile } from "node:fs/promises";
import { z } from "zod";
import { PlatformError } from "../errors/platform-error.ts";
import { parseToml } from "./toml.ts";

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where a service's configuration comes from. */
export interface ConfigOptions<T extends z.ZodObject> {
  /** Sections of the file, each an object schema. Unknown keys are problems when the section is a strict object. */
  readonly schema: T;
  /** Path of the TOML file. */
  readonly path: string;
  /** `MCR` makes `$MCR_SERVER_LISTEN_ADDR` override `[server] listen_addr`. */
  readonly envPrefix: string;
  readonly env: Environment;
  /**
   * Port variables set by the platform's agent, which win over everything: `{ PORT: "server.listen_addr" }`.
   * The value becomes `:<port>`, since a container must listen on all of its addresses (guide §5).
   */
  readonly ports?: Readonly<Record<string, string>>;
}

/** Ports of a service as the guide names them: `$PORT` and `$PORT_GRPC`. */
export const standardPorts = {
  PORT: "server.listen_addr",
  PORT_REST: "server.listen_addr",
  PORT_GRPC: "server.grpc_addr",
} as const;

/**
 * The configuration of a service: the TOML file, overridden by `$PREFIX_SECTION_KEY`, overridden by `$PORT` and `$PORT_<NAME>`
 * (guide §5).
 *
 * @throws {PlatformError} invalid-config — with all problems at once, each naming the key and the variable that sets it
 */
export async function loadConfig<T extends z.ZodObject>(options: ConfigOptions<T>): Promise<z.output<T>> {
  const text = await readFile(options.path, "utf8").catch((cause: unknown) => {
    throw new PlatformError("invalid-config", `Cannot read the configuration "${options.path}": it is not readable`, {
      cause,
    });
  });
  return parseConfig(parseToml(text, options.path), options);
}

/** The same from a table that was read already. */
export function parseConfig<T extends z.ZodObject>(
  table: Record<string, unknown>,
  options: ConfigOptions<T>,
): z.output<T> {
  const merged = structuredClone(table);
  for (const { section, key, schema } of listKeys(options.schema)) {
    const value = options.env[variableName(options.envPrefix, section, key)];
    if (value !== undefined) setKey(merged, section, key, fromVariable(value, schema));
  }
  for (const [variable, path] of Object.entries(options.ports ?? {})) {
    const [section = "", key = ""] = path.split(".");
    const value = options.env[variable];
    if (value !== undefined) setKey(merged, section, key, `:${value}`);
  }
  const parsed = options.schema.safeParse(merged);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => toProblem(issue, options));
  throw new PlatformError("invalid-config", `Cannot use the configuration "${options.path}": ${problems.join("; ")}`, {
    details: { problems },
  });
}

function toProblem(issue: z.core.$ZodIssue, options: ConfigOptions<z.ZodObject>): string {
  const [section, key, ...rest] = issue.path.map(String);
  if (section === undefined) return issue.message;
  if (key === undefined) return `[${section}] ${issue.message}`;
  const place = [key, ...rest].join(".");
  return `[${section}] ${place}: ${issue.message} (or set $${variableName(options.envPrefix, section, key)})`;
}

/** The environment variable that overrides `[section] key`, without its `$`. */
export function variableName(prefix: string, section: string, key: string): string {
  return `${prefix}_${section}_${key}`.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_");
}

interface ConfigKey {
  readonly section: string;
  readonly key: string;
  readonly schema: z.ZodType;
}

/** All `[section] key` pairs that a schema knows; deeper structures are set in the file only. */
function listKeys(schema: z.ZodObject): ConfigKey[] {
  return Object.entries(schema.shape).flatMap(([section, sectionSchema]) => {
    const inner = unwrap(sectionSchema);
    if (!(inner instanceof z.ZodObject)) return [];
    return Object.entries(inner.shape).flatMap(([key, value]) =>
      value instanceof z.ZodType ? [{ section, key, schema: value }] : []
    );
  });
}

/** The schema inside `optional`, `default`, `prefault` and the input side of transforms. */
function unwrap(schema: unknown): unknown {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return unwrap(schema.def.innerType);
  }
  return schema instanceof z.ZodPipe ? unwrap(schema.def.in) : schema;
}

/** A variable is text; what the key wants decides how it is read. Lists are comma-separated. */
function fromVariable(value: string, schema: z.ZodType): unknown {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodNumber) return value.trim() === "" ? value : Number(value);
  if (inner instanceof z.ZodBoolean) {
    return value === "true" || value === "1" ? true : value === "false" || value === "0" ? false : value;
  }
  if (inner instanceof z.ZodArray) return value === "" ? [] : value.split(",").map((part) => part.trim());
  return value;
}

function setKey(table: Record<string, unknown>, section: string, key: string, value: unknown): void {
  const current = table[section];
  table[section] = { ...(typeof current === "object" && current !== null ? current : {}), [key]: value };
}
