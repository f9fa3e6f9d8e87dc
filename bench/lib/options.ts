import { parseArgs } from "node:util";
import { PlatformError } from "#shared/errors/platform-error.ts";

/** How a benchmark is run. */
export interface BenchOptions {
  /** One short round: shows that it works; its figures say little. */
  readonly isQuick: boolean;
  /** Nothing but the JSON line on stdout. */
  readonly isJson: boolean;
  /** Rounds after the one that warms up. */
  readonly rounds: number;
  /** What runs our proxy. */
  readonly runtime: "node" | "deno";
  /** Ours alone, with a profile of its processor time. */
  readonly isProfiled: boolean;
  /** How many requests `proxy-soak` sends when it is not quick. */
  readonly requests: number;
}

/** What the command line asks for. */
export interface BenchCommand {
  readonly name: string;
  readonly options: BenchOptions;
}

const rounds = { quick: 1, full: 5 };
const soakRequests = 1_000_000;

/**
 * Reads `NAME [--quick] [--json] [--rounds N] [--runtime node|deno] [--profile] [--requests N]`.
 *
 * @throws {PlatformError} invalid-usage — when an option is unknown or its value is not usable
 */
export function parseBenchArguments(args: readonly string[]): BenchCommand {
  const { values, positionals } = parseStrictly(args);
  const isQuick = values.quick;
  const isProfiled = values.profile;
  const options = {
    isQuick,
    isJson: values.json,
    rounds: values.rounds === undefined ? rounds[isQuick ? "quick" : "full"] : parseCount(values.rounds, 100),
    runtime: parseRuntime(values.runtime),
    isProfiled,
    requests: values.requests === undefined ? soakRequests : parseCount(values.requests, 1e9),
  };
  if (isProfiled && options.runtime === "deno") {
    throw new PlatformError("invalid-usage", "Cannot profile on Deno: it writes no profile, expected --runtime node");
  }
  const [name = "", ...rest] = positionals;
  if (rest.length > 0) throw new PlatformError("invalid-usage", `Cannot use "${rest.join(" ")}": expected one name`);
  return { name, options };
}

function parseStrictly(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        quick: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        rounds: { type: "string" },
        requests: { type: "string" },
        runtime: { type: "string", default: "node" },
        profile: { type: "boolean", default: false },
      },
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new PlatformError("invalid-usage", `Cannot run a benchmark: ${reason}`, { cause });
  }
}

function parseCount(text: string, most: number): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= most) return count;
  throw new PlatformError("invalid-usage", `Cannot use "${text}": expected a number from 1 to ${most}`);
}

function parseRuntime(text: string): "node" | "deno" {
  if (text === "node" || text === "deno") return text;
  throw new PlatformError("invalid-usage", `Cannot run on "${text}": expected node or deno`);
}
