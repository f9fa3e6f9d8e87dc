// `npm start`: a platform in the foreground, with the sample built, pushed, deployed and seen to answer. `--once` stops then.
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { describeError, toPlatformError } from "#shared/errors/platform-error.ts";
import { runUp } from "./bootstrap/run-up.ts";
import { parseUpFlags } from "./bootstrap/up-options.ts";

try {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    options: {
      dir: text,
      domain: text,
      node: text,
      address: text,
      "proxy-port": text,
      "dns-port": text,
      "api-port": text,
      once: { type: "boolean", default: false },
    },
  });
  const options = parseUpFlags({
    ...values,
    proxyPort: values["proxy-port"],
    dnsPort: values["dns-port"],
    apiPort: values["api-port"],
  });
  await runUp(options, {
    json: false,
    sample: "always",
    once: values.once,
    sourceFolder: join(import.meta.dirname, ".."),
  });
} catch (error) {
  process.stderr.write(`npm start: ${describeError(error)}\n`);
  process.exitCode = toPlatformError(error).entry.exitCode;
}
