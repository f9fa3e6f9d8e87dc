import type { LogLine, ServiceDetail } from "#shared/contract/mcp.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { checkServiceName } from "../definitions/definition-files.ts";
import { followLogs, readLogs } from "../deployment/follow-logs.ts";
import { connect } from "../platform/connect.ts";
import { didYouMean } from "../render/did-you-mean.ts";
import { printRemark } from "../render/print.ts";
import { createStyle } from "../render/style.ts";
import { argumentAt, type Cli, type CommandInput, hasFlag, textOption } from "../world.ts";

const maxTail = 10_000;

/** Prints the newest log lines of a service or of one component, and goes on with what comes under `--follow` until Ctrl-C. */
export async function logs(cli: Cli, input: CommandInput): Promise<void> {
  using platform = await connect(cli);
  const [name = "", component] = argumentAt(input, 0).split("/", 2);
  const service = checkServiceName(name);
  const tail = parseTail(textOption(input, "tail") ?? "100");
  const detail = await platform.mcp.getService({ params: { service }, signal: cli.interrupt });
  assertComponent(detail, component);
  const format = createFormat(cli, component === undefined ? detail.definition.components.map((one) => one.name) : []);
  const options = { platform, service, component, tail, signal: cli.interrupt };
  const onLost = () => printRemark(cli, "The connection is lost, connecting again");
  const lines = hasFlag(input, "follow") ? followLogs({ ...options, onLost: once(onLost) }) : readLogs(options);
  let hasLines = false;
  try {
    for await (const line of lines) {
      hasLines = true;
      cli.stdout.write(format(line));
    }
    if (!hasLines && detail.instances.every(({ state }) => state === "stopped")) {
      printRemark(cli, `Nothing of ${service} runs: it is ${detail.observed}. To see why: mcp status ${service}`);
    }
  } catch (error) {
    // Ctrl-C is how following ends.
    if (!cli.interrupt.aborted) throw error;
  }
}

function parseTail(text: string): number {
  const tail = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (tail <= maxTail) return tail;
  throw new PlatformError(
    "invalid-usage",
    `Cannot show "${text}" lines: it is no such number, expected 0 to ${maxTail}`,
  );
}

function assertComponent({ name, definition }: ServiceDetail, component: string | undefined): void {
  const known = definition.components.map((one) => one.name);
  if (component === undefined || known.includes(component)) return;
  throw new PlatformError(
    "not-found",
    `Cannot show logs of "${name}/${component}": there is no such component, ${
      didYouMean(component, known)
    }expected one of: ${known.join(", ")}`,
  );
}

/** Lines carry their component's name when there are several. */
function createFormat(cli: Cli, components: readonly string[]): (line: LogLine) => string {
  if (cli.json) return (line) => `${JSON.stringify(line)}\n`;
  if (components.length < 2) return ({ line }) => `${line}\n`;
  const style = createStyle(cli, cli.stdout);
  const width = Math.max(...components.map((name) => name.length));
  const paints = [style.cyan, style.yellow, style.green, style.bold];
  return ({ component, line }) => {
    const paint = paints[Math.max(0, components.indexOf(component)) % paints.length] ?? style.dim;
    return `${paint(component.padEnd(width))} | ${line}\n`;
  };
}

function once(action: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) action();
    isDone = true;
  };
}
