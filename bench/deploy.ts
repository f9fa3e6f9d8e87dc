import process from "node:process";
import { createClient } from "#shared/contract/client.ts";
import { DeploymentEvent, mcpContract } from "#shared/contract/mcp.ts";
import { ServiceDefinition } from "#shared/contract/definition.ts";
import { parseToml } from "#shared/mcdsl/toml.ts";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { addSource, startPlatform } from "../tests/platform/harness.ts";
import { type BenchResult, median, percentile } from "./lib/result.ts";

const deploys = 20;

/** Control plane → route switched → proven through the proxy, image cached; the sample needs some milliseconds to boot. */
export async function measure(): Promise<BenchResult> {
  await using platform = await startPlatform();
  const definition = (version: string) =>
    `name = "hello"
node = "local"
[build.images]
hello = "Dockerfile"
[[components]]
name = "web"
image = "${platform.ready.registry}/hello:${version}"
[[components.routes]]
port = 8443
mode = "l7"
`;
  await addSource(platform, "hello", "web");
  for (const version of ["v1.0.0", "v1.0.1"]) {
    await platform.define("hello", definition(version));
    await platform.mcpOk(["deploy", "hello"]);
  }
  const token = (await readFile(join(platform.ready.cliConfig, "../token"), "utf8")).trim();
  const mcp = createClient(mcpContract, { fetch, baseUrl: platform.ready.api, token: () => token });
  const routedMs: number[] = [];
  const totalMs: number[] = [];
  for (let index = 0; index < deploys; index++) {
    const version = `v1.0.${index % 2}`;
    const startedAt = performance.now();
    const body = { definition: ServiceDefinition.parse(parseToml(definition(version), "bench")) };
    const { id } = await mcp.deploy({ params: { service: "hello" }, body });
    const response = await mcp.followDeployment({ params: { id } });
    const events = (await response.text()).trim().split("\n").map((line) => DeploymentEvent.parse(JSON.parse(line)));
    if (events.at(-1)?.status !== "succeeded") throw new Error(`deploy failed: ${events.at(-1)?.message}`);
    totalMs.push(performance.now() - startedAt);
    routedMs.push(events.find(({ step, state }) => step === "route" && state === "done")?.elapsedMs ?? Number.NaN);
    process.stderr.write(
      `deploy ${index + 1}: proven after ${routedMs.at(-1)} ms, old gone after ${Math.round(totalMs.at(-1) ?? 0)} ms\n`,
    );
  }
  const ours = {
    provenP50: median(routedMs),
    provenP95: Math.round(percentile(routedMs, 95)),
    oldGoneP50: Math.round(median(totalMs)),
  };
  return { bench: "deploy", unit: "ms", ours, peers: {}, ratios: {} };
}
