import process from "node:process";
import { parseArgs } from "node:util";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { runProgram } from "#shared/lifecycle/run-program.ts";
import { createLog } from "#shared/log/log.ts";
import packageFacts from "../package.json" with { type: "json" };
import { type SystemName, systemNames } from "./path-table.ts";
import { loadServerConfig } from "./server-config.ts";
import { startServer } from "./start.ts";

await runProgram({ name: "server", log: createLog({ system: "server" }) }, async () => {
  const { values } = parseArgs({ options: { config: { type: "string" }, only: { type: "string" } }, strict: true });
  if (values.config === undefined) {
    throw new PlatformError("invalid-usage", "Cannot start server: expected --config FILE");
  }
  const config = await loadServerConfig(values.config, process.env);
  const masterKey = process.env["MASTER_KEY"];
  // Programs that this one starts, and crash dumps, need not see it.
  delete process.env["MASTER_KEY"];
  return await startServer(config, {
    log: createLog({ system: "server", level: config.logLevel }),
    version: packageFacts.version,
    ...(values.only === undefined ? {} : { only: values.only.split(",").map(parseSystemName) }),
    ...(masterKey === undefined ? {} : { masterKey }),
  });
});

function parseSystemName(text: string): SystemName {
  const name = systemNames.find((known) => known === text.trim());
  if (name !== undefined) return name;
  throw new PlatformError(
    "invalid-usage",
    `Cannot run the system "${text}": expected some of ${systemNames.join(",")}`,
  );
}
