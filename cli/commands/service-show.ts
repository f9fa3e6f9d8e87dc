import { formatToml } from "#shared/mcdsl/toml.ts";
import { checkServiceName } from "../definitions/definition-files.ts";
import { connect } from "../platform/connect.ts";
import { printData } from "../render/print.ts";
import { argumentAt, type Cli, type CommandInput } from "../world.ts";

/** Shows the definition that the control plane has stored, as TOML with all defaults filled in. */
export async function serviceShow(cli: Cli, input: CommandInput): Promise<void> {
  using platform = await connect(cli);
  const service = checkServiceName(argumentAt(input, 0));
  const { definition, revision } = await platform.mcp.getService({ params: { service }, signal: cli.interrupt });
  printData(cli, { revision, definition }, () => `# ${service}, revision ${revision}\n${formatToml(definition)}`);
}
