import { PlatformError } from "#shared/errors/platform-error.ts";
import { checkServiceName, loadDefinition } from "../definitions/definition-files.ts";
import { runChange } from "../deployment/run-change.ts";
import { ensureImages } from "../images/ensure-images.ts";
import { connect } from "../platform/connect.ts";
import { argumentAt, type Cli, type CommandInput, hasFlag } from "../world.ts";

/** Deploys a service from its definition: checks it, builds images that are missing, and follows the deployment to its end. */
export async function deploy(cli: Cli, input: CommandInput): Promise<void> {
  using platform = await connect(cli);
  const service = checkServiceName(argumentAt(input, 0));
  await runChange({
    cli,
    platform,
    service,
    input,
    begin: async () => {
      const { definition, path } = await loadDefinition(platform.config.servicesDir, service);
      if (!definition.active) throw toInactive(service, path);
      await ensureImages({ cli, platform }, definition);
      return platform.mcp.deploy({
        params: { service },
        body: { definition, force: hasFlag(input, "force") },
        signal: cli.interrupt,
      });
    },
  });
}

function toInactive(service: string, path: string): PlatformError {
  return new PlatformError(
    "conflict",
    `Cannot deploy "${service}": "${path}" says active = false, expected active = true`,
    {
      details: { next: `mcp start ${service}, or set active = true in the definition and deploy again` },
    },
  );
}
