import process from "node:process";
import { parseArgs } from "node:util";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { runProgram } from "#shared/lifecycle/run-program.ts";
import { createLog } from "#shared/log/log.ts";
import { loadDnsConfig } from "./config.ts";
import { startDns } from "./start.ts";

await runProgram({ name: "dns", log: createLog({ system: "dns" }) }, async () => {
  const { values } = parseArgs({ options: { config: { type: "string" } }, strict: true });
  if (values.config === undefined) throw new PlatformError("invalid-usage", "Cannot start dns: expected --config FILE");
  const { config, logLevel } = await loadDnsConfig(values.config, process.env);
  return await startDns(config, { log: createLog({ system: "dns", level: logLevel }) });
});
