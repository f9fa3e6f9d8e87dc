// One file for all programs. What a program does not need is not loaded: idle memory counts.
import process from "node:process";

const programs = {
  server: () => import("../handlers/main.ts"),
  proxy: () => import("../edge-proxy/main.ts"),
  agent: () => import("../node-runtime/agent/main.ts"),
  dns: () => import("../node-runtime/dns/main.ts"),
};

const [name = ""] = process.argv.slice(2);
const load = Object.entries(programs).find(([known]) => known === name)?.[1];
if (load !== undefined && !process.argv.includes("--help")) {
  // The programs read their own arguments.
  process.argv.splice(2, 1);
  await load();
} else {
  const { runCommand } = await import("./commands.ts");
  await runCommand(process.argv);
}
