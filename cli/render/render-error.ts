import { describeError, PlatformError } from "#shared/errors/platform-error.ts";
import type { Cli } from "../world.ts";
import { createStyle, printable } from "./style.ts";
import { type ErrorPlace, nextStepOf } from "./next-step.ts";

/** Writes an error to stderr — what, why and the next command; one JSON object under `--json` — and gives back the exit code. */
export function renderError(
  cli: Pick<Cli, "env" | "json" | "stderr" | "wantsColor">,
  error: unknown,
  place: ErrorPlace,
): number {
  const known = error instanceof PlatformError
    ? error
    : new PlatformError("internal", "Cannot go on: an unexpected error happened", { cause: error });
  const message = describeError(known);
  const { next: ownNext, ...details } = known.details;
  const next = typeof ownNext === "string" ? ownNext : nextStepOf(known.code, place);
  if (cli.json) {
    const isBare = Object.keys(details).length === 0;
    const problem = {
      code: known.code,
      message,
      ...(isBare ? {} : { details }),
      ...(next === undefined ? {} : { next }),
    };
    cli.stderr.write(`${JSON.stringify(problem)}\n`);
    return known.entry.exitCode;
  }
  const style = createStyle(cli, cli.stderr);
  const label = known.code === "cancelled" ? style.yellow("Stopped:") : style.red("Error:");
  const lines = [
    `${label} ${printable(message)}`,
    ...logLinesOf(details["log"]).map((line) => `  ${style.dim("|")} ${printable(line)}`),
    ...(typeof details["requestId"] === "string" ? [style.dim(`Request: ${printable(details["requestId"])}`)] : []),
    ...(next === undefined ? [] : [`${style.bold(next.startsWith("mcp ") ? "Run:" : "Next:")} ${next}`]),
  ];
  cli.stderr.write(lines.map((line) => `${line}\n`).join(""));
  return known.entry.exitCode;
}

function logLinesOf(log: unknown): string[] {
  return Array.isArray(log) ? log.filter((line) => typeof line === "string") : [];
}
