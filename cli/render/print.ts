import type { Cli } from "../world.ts";
import { createStyle, type Style } from "./style.ts";

/** Writes a command's data to stdout: as one JSON document under `--json`, else as text for people. */
export function printData(cli: Cli, data: unknown, toText: (style: Style) => string): void {
  cli.stdout.write(cli.json ? `${JSON.stringify(data)}\n` : toText(createStyle(cli, cli.stdout)));
}

/** Writes a remark for people to stderr; nothing under `--json`. */
export function printRemark(cli: Cli, text: string): void {
  if (!cli.json) cli.stderr.write(`${text}\n`);
}
