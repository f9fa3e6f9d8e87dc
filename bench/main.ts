import { loadavg } from "node:os";
import process from "node:process";
import { describeError, PlatformError, toPlatformError } from "#shared/errors/platform-error.ts";
import { formatResult } from "./lib/format-result.ts";
import { type BenchOptions, parseBenchArguments } from "./lib/options.ts";
import type { BenchResult } from "./lib/result.ts";

type Bench = { readonly measure: (options: BenchOptions) => Promise<BenchResult> };

const benches: Readonly<Record<string, () => Promise<Bench>>> = {
  deploy: () => import("./deploy.ts"),
  dns: () => import("./dns.ts"),
  feed: () => import("./feed.ts"),
  memory: () => import("./memory.ts"),
  "proxy-h2": () => import("./proxy-h2.ts"),
  "proxy-handshake": () => import("./proxy-handshake.ts"),
  "proxy-l4": () => import("./proxy-l4.ts"),

  "proxy-l7": () => import("./proxy-l7.ts"),
  "proxy-reload": () => import("./proxy-reload.ts"),
  "proxy-soak": () => import("./proxy-soak.ts"),
};

try {
  await run(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`bench: ${describeError(error)}\n`);
  process.exitCode = toPlatformError(error).code === "invalid-usage" ? 2 : 1;
}

async function run(args: readonly string[]): Promise<void> {
  const { name, options } = parseBenchArguments(args);
  const load = Object.hasOwn(benches, name) ? benches[name] : undefined;
  if (load === undefined) {
    const known = Object.keys(benches).join(", ");
    throw new PlatformError(
      "invalid-usage",
      `Cannot run benchmark "${name}": it is not known, expected one of: ${known}`,
    );
  }
  const [busyCores = 0] = loadavg();
  if (busyCores > 0.5) {
    process.stderr.write(`the machine is busy (load ${busyCores.toFixed(1)}): the figures will be noisy\n`);
  }
  const { measure } = await load();
  const result = await measure(options);
  if (!options.isJson) process.stdout.write(formatResult(result) + "\n");
  process.stdout.write(JSON.stringify(result) + "\n");
}
