import { join } from "node:path";
import process from "node:process";

/** A program to spawn. */
export interface ProgramCommand {
  /** The executable. */
  readonly file: string;
  readonly args: readonly string[];
}

/** How a TypeScript file of ours is run by the runtime that runs this process: Node (with the same loader) or Deno. */
export function toProgramCommand(script: string, args: readonly string[]): ProgramCommand {
  const isDeno = process.versions["deno"] !== undefined;
  const runtimeArgs = isDeno ? ["run", "--allow-all", "--no-lock"] : loaderArgs(process.execArgv);
  return { file: process.execPath, args: [...runtimeArgs, script, ...args] };
}

/** The loader (`--import tsx`) goes on to programs; flags of a test run or a debugger do not. */
function loaderArgs(execArgv: readonly string[]): string[] {
  return execArgv.flatMap((arg, index) => {
    if (arg.startsWith("--import=")) return [arg];
    const value = execArgv[index + 1];
    return arg === "--import" && value !== undefined ? [arg, value] : [];
  });
}

/**
 * Variables for our programs: Node keeps compiled code, so that a start costs half the time and the compiler's 25 MB are not
 * needed. A folder that cannot be written is passed over by Node.
 */
export function toProgramEnvironment(sourceFolder: string): Readonly<Record<string, string>> {
  const folder = process.env["NODE_COMPILE_CACHE"] ?? join(sourceFolder, "node_modules", ".cache", "node-compile");
  return { NODE_COMPILE_CACHE: folder };
}
