import { stripVTControlCharacters } from "node:util";
import type { Cli, Output } from "../world.ts";

/** Functions that colour text, or leave it alone when the stream shows no colours. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
}

/** The style of a stream: colours on a terminal only, and never under `NO_COLOR` (https://no-color.org) or `TERM=dumb`. */
export function createStyle(cli: Pick<Cli, "env" | "wantsColor" | "json">, output: Output): Style {
  const isColored = showsColor(cli, output);
  const sgr = (open: number, close: number) => (text: string) =>
    isColored && text !== "" ? `\u001b[${open}m${text}\u001b[${close}m` : text;
  return {
    bold: sgr(1, 22),
    dim: sgr(2, 22),
    red: sgr(31, 39),
    green: sgr(32, 39),
    yellow: sgr(33, 39),
    cyan: sgr(36, 39),
  };
}

function showsColor({ env, wantsColor, json }: Pick<Cli, "env" | "wantsColor" | "json">, output: Output): boolean {
  if (!wantsColor || json || isSet(env["NO_COLOR"])) return false;
  if (isSet(env["CLICOLOR_FORCE"]) && env["CLICOLOR_FORCE"] !== "0") return true;
  return output.isTTY && env["TERM"] !== "dumb" && env["CLICOLOR"] !== "0";
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== "";
}

/** Says whether lines of the stream may be redrawn: a terminal that understands it, outside CI. */
export function isAnimated(cli: Pick<Cli, "env" | "json">, output: Output): boolean {
  return output.isTTY && !cli.json && cli.env["TERM"] !== "dumb" && !isSet(cli.env["CI"]);
}

/** Text that came from elsewhere, without control characters: it must not steer the operator's terminal. */
export function printable(text: string): string {
  return stripVTControlCharacters(text).replaceAll(/(?![\t\n])\p{Cc}/gu, "");
}
