import { PlatformError } from "#shared/errors/platform-error.ts";
import { checkServiceName } from "../definitions/definition-files.ts";
import { runChange } from "../deployment/run-change.ts";
import { connect } from "../platform/connect.ts";
import { confirm } from "../render/prompt.ts";
import { argumentAt, type Cli, type CommandInput, hasFlag, textOption } from "../world.ts";

/** Tears a service down: routes, names, certificates and containers go; its definition and its data in `/srv` stay. */
export async function undeploy(cli: Cli, input: CommandInput): Promise<void> {
  using platform = await connect(cli);
  const service = checkServiceName(argumentAt(input, 0));
  const isAttaching = textOption(input, "attach") !== undefined;
  if (!isAttaching && !hasFlag(input, "yes") && !await confirm(cli, `Undeploy ${service} from ${platform.apiUrl}?`)) {
    throw new PlatformError("cancelled", `Cannot undeploy "${service}": it was not confirmed`);
  }
  const begin = () => platform.mcp.undeploy({ params: { service }, signal: cli.interrupt });
  await runChange({ cli, platform, service, input, begin });
}
