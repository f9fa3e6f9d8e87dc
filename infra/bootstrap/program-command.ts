import { join } from "node:path";
import process from "node:process";

/** A program to spawn. */
export interface ProgramCommand {
  /** The executable. */
  readonly file: string;
  readonly args: readonly string[];
}

/**
 * Flags of V8 with which our programs run, for little idle memory; infra/systemd repeats them.
 *
 * - A young generation of 1 MB: without a limit, a start leaves about 10 MB behind that are not needed again.
 * - WebAssembly is not optimised: `fetch` parses HTTP in WebAssembly, and the optimiser takes 24 MB once for it, of which about
 *   10 MB stay. What serves (node:http, node:tls, node:dgram) is not WebAssembly.
 */
export const v8Flags: readonly string[] = ["--max-semi-space-size=1", "--no-wasm-tier-up", "--no-wasm-dynamic-tiering"];

/**
 * Variables of the C library's allocator with which our programs run; infra/systemd repeats them. Few arenas, and freed memory goes
 * back to the system at once. Other C libraries do not know them.
 */
export const allocatorVariables: Readonly<Record<string, string>> = {
  MALLOC_ARENA_MAX: "2",
  MALLOC_TRIM_THRESHOLD_: "131072",
};

/** How a TypeScript file of ours is run by the runtime that runs this process: Node (with the same loader) or Deno. */
export function toProgramCommand(script: string, args: readonly string[]): ProgramCommand {
  const isDeno = process.versions["deno"] !== undefined;
  const runtimeArgs = isDeno
    ? ["run", "--allow-all", "--no-lock", `--v8-flags=${v8Flags.join(",")}`]
    : [...v8Flags, ...loaderArgs(process.execArgv)];
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
 * Variables for our programs: {@link allocatorVariables}, and where Node keeps compiled code, so that a start costs half the time
 * and the compiler's 25 MB are not needed. A folder that cannot be written is passed over by Node. The code is kept per set of V8
 * flags: the first start with other flags compiles anew.
 */
export function toProgramEnvironment(sourceFolder: string): Readonly<Record<string, string>> {
  const folder = process.env["NODE_COMPILE_CACHE"] ?? join(sourceFolder, "node_modules", ".cache", "node-compile");
  return { ...allocatorVariables, NODE_COMPILE_CACHE: folder };
}
