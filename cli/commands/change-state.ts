import type { Deployment } from "#shared/contract/mcp.ts";
import { writeFileAtomically } from "#shared/store/atomic-file.ts";
import { stat } from "node:fs/promises";
import { checkServiceName, definitionPath, findDefinitionText } from "../definitions/definition-files.ts";
import { setActive } from "../definitions/set-active.ts";
import { runChange } from "../deployment/run-change.ts";
import { connect, type Platform } from "../platform/connect.ts";
import { printRemark } from "../render/print.ts";
import { argumentAt, type Cli, type CommandHandler, type CommandInput } from "../world.ts";

type StateChange = "stop" | "start" | "restart";

/** A command that stops, starts or restarts a service. Stopping and starting are also written to the definition as `active`. */
export function changeState(kind: StateChange): CommandHandler {
  return async (cli: Cli, input: CommandInput): Promise<void> => {
    using platform = await connect(cli);
    const service = checkServiceName(argumentAt(input, 0));
    await runChange({
      cli,
      platform,
      service,
      input,
      begin: async (): Promise<Deployment> => {
        const deployment = await platform.mcp[kind]({ params: { service }, signal: cli.interrupt });
        if (kind !== "restart") await writeActive({ cli, platform, service, isActive: kind === "start" });
        return deployment;
      },
    });
  };
}

interface ActiveChange {
  readonly cli: Cli;
  readonly platform: Platform;
  readonly service: string;
  readonly isActive: boolean;
}

/** Keeps the definition true to what was asked for, so that the next sync or deploy does not undo it. */
async function writeActive({ cli, platform, service, isActive }: ActiveChange): Promise<void> {
  const { servicesDir } = platform.config;
  const path = definitionPath(servicesDir, service);
  const text = await findDefinitionText(servicesDir, service);
  if (text === undefined) return;
  const changed = setActive(text, isActive, path);
  if (changed === text) return;
  await writeFileAtomically(path, changed, (await stat(path)).mode & 0o777);
  printRemark(cli, `${path} now says active = ${isActive}`);
}
