import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { toProgramCommand, toProgramEnvironment } from "../../infra/bootstrap/program-command.ts";
import { formatToml } from "#shared/mcdsl/toml.ts";
import { type Background, cores, startBackground } from "./processes.ts";

const sourceFolder = join(import.meta.dirname, "../..");

/**
 * Starts one of our programs as `metacircular up` would, on the core for what is measured. It logs warnings only: the peers have
 * their access logs off too.
 */
export async function startOurProgram(
  program: "dns" | "proxy",
  folder: string,
  config: Readonly<Record<string, unknown>>,
): Promise<Background> {
  const configPath = join(folder, `${program}.toml`);
  await writeFile(configPath, formatToml({ ...config, log: { level: "warn" } }));
  const script = join(sourceFolder, "infra/metacircular.ts");
  const { file, args } = toProgramCommand(script, [program, "--config", configPath]);
  return startBackground(file, args, {
    env: { ...process.env, ...toProgramEnvironment(sourceFolder) },
    core: cores.server,
  });
}
