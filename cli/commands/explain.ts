import type { Explanation } from "#shared/contract/edge-views.ts";
import { parsePort } from "../definitions/read-stored-route.ts";
import { connect } from "../platform/connect.ts";
import { printData } from "../render/print.ts";
import { printable, type Style } from "../render/style.ts";
import { argumentAt, type Cli, type CommandInput, textOption } from "../world.ts";

/** Says what would become of a request, step by step. */
export async function explain(cli: Cli, input: CommandInput): Promise<void> {
  const [, path] = input.arguments;
  const node = textOption(input, "node");
  const client = textOption(input, "client");
  const query = {
    host: argumentAt(input, 0).toLowerCase(),
    port: parsePort(textOption(input, "port") ?? "443"),
    ...(path === undefined ? {} : { path }),
    ...(node === undefined ? {} : { node }),
    ...(client === undefined ? {} : { client }),
  };
  using platform = await connect(cli);
  const { explanations } = await platform.mcp.explain({ query, signal: cli.interrupt });
  printData(
    cli,
    { explanations },
    (style) =>
      explanations.length === 0
        ? "No node has enrolled yet\n"
        : explanations.map((explanation) => formatExplanation(explanation, style)).join("\n"),
  );
}

function formatExplanation({ node, steps, verdict }: Explanation, style: Style): string {
  const paint = verdict === "served"
    ? style.green
    : verdict === "unknown" || verdict === "held"
    ? style.yellow
    : style.red;
  const lines = steps.map((step, index) => `${String(index + 1).padStart(3)}. ${printable(step)}\n`);
  return `${style.bold(node)}: ${paint(verdict)}\n${lines.join("")}`;
}
