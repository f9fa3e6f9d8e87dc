import process from "node:process";
import { parseArgs } from "node:util";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { runProgram } from "#shared/lifecycle/run-program.ts";
import { createLog } from "#shared/log/log.ts";
import { loadAgentConfig } from "./config.ts";
import { startAgent } from "./start.ts";

await runProgram({ name: "agent", log: createLog({ system: "agent" }) }, async () => {
  const { values } = parseArgs({ options: { config: { type: "string" } }, strict: true });
  if (values.config === undefined) {
    throw new PlatformError("invalid-usage", "Cannot start agent: expected --config FILE");
  }
  const { config, logLevel } = await loadAgentConfig(values.config, process.env);
  return await startAgent(config, { log: createLog({ system: "agent", level: logLevel }) });
});
