import process from "node:process";
import { parseArgs } from "node:util";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { runProgram } from "#shared/lifecycle/run-program.ts";
import { createLog, type LogLevel } from "#shared/log/log.ts";
import { loadProxyConfig } from "./config.ts";
import { inheritedSockets } from "./inherited-sockets.ts";
import { startProxy } from "./start.ts";

await runProgram({ name: "proxy", log: createLog({ system: "mc-proxy" }) }, async () => {
  const { values } = parseArgs({ options: { config: { type: "string" } }, strict: true });
  if (values.config === undefined) {
    throw new PlatformError("invalid-usage", "Cannot start proxy: expected --config FILE");
  }
  const { config, logLevel } = await loadProxyConfig(values.config, process.env);
  let level: LogLevel = logLevel;
  return await startProxy(config, {
    log: createLog({ system: "mc-proxy", level: () => level }),
    logLevel,
    setLogLevel: (next) => void (level = next),
    stop: () => void process.kill(process.pid, "SIGTERM"),
    inherited: inheritedSockets(process.env, process.pid),
  });
});
