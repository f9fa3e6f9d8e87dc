import { loadavg } from "node:os";
import process from "node:process";
import { describeError } from "#shared/errors/platform-error.ts";
import type { BenchResult } from "./lib/result.ts";

const benches: Readonly<Record<string, () => Promise<{ measure: () => Promise<BenchResult> }>>> = {
  deploy: () => import("./deploy.ts"),
  dns: () => import("./dns.ts"),
  feed: () => import("./feed.ts"),
  memory: () => import("./memory.ts"),
  "proxy-l4": () => import("./proxy-l4.ts"),
  "proxy-l7": () => import("./proxy-l7.ts"),
};

const name = process.argv[2] ?? "";
const load = benches[name];
if (load === undefined) {
  process.stderr.write(
    `Cannot run benchmark "${name}": it is not known, expected one of: ${Object.keys(benches).join(", ")}\n`,
  );
  process.exitCode = 2;
} else {
  const [busyCores = 0] = loadavg();
  if (busyCores > 0.5) {
    process.stderr.write(`the machine is busy (load ${busyCores.toFixed(1)}): the figures will be noisy\n`);
  }
  try {
    const { measure } = await load();
    process.stdout.write(JSON.stringify(await measure()) + "\n");
  } catch (error) {
    process.stderr.write(`${name}: ${describeError(error)}\n`);
    process.exitCode = 1;
  }
}
