import { join } from "node:path";
import process from "node:process";

/** A program to spawn. */
export interface ProgramCommand {
  /** The executable. */
  readonly file: string;
  readonly args: readonly string[];
}

/**
 * Flags of V8 with which a program of ours runs, for little idle memory; infra/systemd repeats them.
 *
 * - A small young generation: without a limit, a start leaves about 10 MB behind that are not needed again. With 1 MB the proxy
 *   takes 15 % more CPU time for a request, with 4 MB no more than without a limit.
 * - WebAssembly is not optimised: `fetch` parses HTTP in WebAssembly, and the optimiser takes 24 MB once for it, of which about
 *   10 MB stay. What serves (node:http, node:tls, node:dgram) is not WebAssembly.
 */
export function toV8Flags(program: string | undefined): readonly string[] {
  const youngGenerationMb = program === "proxy" ? 4 : 1;
  return [`--max-semi-space-size=${youngGenerationMb}`, "--no-wasm-tier-up", "--no-wasm-dynamic-tiering"];
}

/**
 * Variables of the C library's allocator with which our programs run; infra/systemd repeats them. Few arenas, and freed memory goes
 * back to the system at once. Other C libraries do not know them.
 */
export const allocatorVariables: Readonly<Record<string, string>> = {
  MALLOC_ARENA_MAX: "2",
  MALLOC_TRIM_THRESHOLD_: "131072",
};

/**
 * How a TypeScript file of ours is run by the runtime that runs this process: Node (with the same loader) or Deno. The first of
 * `args` is the program's name where `script` is the file for all programs.
 */
export function toProgramCommand(script: string, args: readonly string[]): ProgramCommand {
  const v8Flags = toV8Flags(args[0]);
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
