import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { toProgramCommand, toProgramEnvironment, toV8Flags } from "../../infra/bootstrap/program-command.ts";
import { formatToml } from "#shared/mcdsl/toml.ts";
import { type Background, cores, startBackground } from "./processes.ts";

const sourceFolder = join(import.meta.dirname, "../..");
const script = join(sourceFolder, "infra/metacircular.ts");

/** What runs a program of ours. */
export interface ProgramRun {
  readonly runtime: "node" | "deno";
  /** Folder for a profile of its processor time, written when it ends; none unless given. Node only. */
  readonly profileFolder?: string;
}

/**
 * Starts one of our programs as `metacircular up` would, on the core for what is measured. It logs warnings only: the peers have
 * their access logs off too.
 */
export async function startOurProgram(
  program: "dns" | "proxy",
  folder: string,
  config: Readonly<Record<string, unknown>>,
  run: ProgramRun = { runtime: "node" },
): Promise<Background> {
  const configPath = join(folder, `${program}.toml`);
  const log = program === "proxy" ? { level: "warn", access: "off" } : { level: "warn" };
  await writeFile(configPath, formatToml({ ...config, log }));
  const { file, args } = toCommand([program, "--config", configPath], run);
  return startBackground(file, args, {
    cwd: sourceFolder,
    env: { ...process.env, ...toProgramEnvironment(sourceFolder) },
    core: cores.server,
    // A profile is written at the end, which takes its time.
    ...(run.profileFolder === undefined ? {} : { graceMs: 60_000 }),
  });
}

function toCommand(args: readonly string[], { runtime, profileFolder }: ProgramRun) {
  if (runtime === "deno") {
    const flags = ["--allow-all", "--no-lock", `--v8-flags=${toV8Flags(args[0]).join(",")}`];
    return { file: join(sourceFolder, "node_modules/.bin/deno"), args: ["run", ...flags, script, ...args] };
  }
  const command = toProgramCommand(script, args);
  const profileFlags = profileFolder === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profileFolder}`];
  return { file: command.file, args: [...profileFlags, ...command.args] };
}
