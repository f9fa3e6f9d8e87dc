import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import process from "node:process";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { parseToml } from "#shared/mcdsl/toml.ts";
import { toProgramCommand, toProgramEnvironment } from "./program-command.ts";
import type { ReadyFacts } from "./up.ts";

/** What deploying the sample needs. */
export interface SampleOptions {
  readonly facts: ReadyFacts;
  readonly node: string;
  /** Folder of our sources. */
  readonly sourceFolder: string;
  /** The workspace of `mcp build`. */
  readonly workspace: string;
  /** Folder of the operator's service definitions. */
  readonly servicesFolder: string;
  /** Ends what runs. */
  readonly signal: AbortSignal;
  /** Told of each step once it is done. */
  readonly onStep: (step: SampleStep) => void;
}

/** What the sample's source and definition depend on. */
export type SampleSource = Pick<SampleOptions, "node" | "sourceFolder" | "workspace" | "servicesFolder"> & {
  readonly facts: Pick<ReadyFacts, "domain" | "proxy" | "registry">;
};

/** A step and how long it took. */
export interface SampleStep {
  readonly name: string;
  readonly durationMs: number;
}

/** Where a static busybox may be (Debian's package busybox-static). */
const busyboxPaths = ["/bin/busybox", "/usr/bin/busybox"];
const version = "v1.0.0";

/**
 * Builds, pushes and deploys the sample with the real CLI and asks for its page by name, through the proxy, over verified TLS.
 * Gives its URL.
 *
 * @throws {PlatformError} build-failed, deploy-failed, upstream-failed — with what the CLI said on stderr
 */
export async function deploySample(options: SampleOptions): Promise<string> {
  const { facts } = options;
  const mcp = (...args: string[]) => runMcp(args, options);
  const { hostname, port } = sampleAddress(facts);
  // A definition that is there is the operator's: their version is deployed, and their page may look like anything.
  const isNew = !existsSync(sampleDefinitionPath(options.servicesFolder));
  await step("prepare the source", options, () => prepareSource(options));
  await step(
    "mcp login",
    options,
    () => mcp("login", "--username", facts.admin.username, "--password-file", facts.admin.passwordFile),
  );
  if (isNew) await step("mcp build hello", options, () => mcp("build", "hello"));
  await step("mcp deploy hello", options, () => mcp("deploy", "hello"));
  await step(`GET https://${hostname}:${port}/`, options, () => assertServes(facts, isNew ? version : ""));
  return `https://${hostname}:${port}/`;
}

/** Where the sample's definition is. */
export function sampleDefinitionPath(servicesFolder: string): string {
  return join(servicesFolder, "hello.toml");
}

/** Says whether the operator has stopped the sample: it then stays so. */
export async function isSampleStopped(servicesFolder: string): Promise<boolean> {
  const path = sampleDefinitionPath(servicesFolder);
  const text = await readFile(path, "utf8").catch(() => "");
  try {
    return parseToml(text, path)["active"] === false;
  } catch {
    return false; // `mcp deploy` tells what is wrong with it
  }
}

/** Name and port of the sample behind the proxy. */
export function sampleAddress(
  { domain, proxy }: Pick<ReadyFacts, "domain" | "proxy">,
): { hostname: string; port: number } {
  return { hostname: `hello.svc.${domain}`, port: Number(proxy.slice(proxy.lastIndexOf(":") + 1)) };
}

async function step(name: string, options: SampleOptions, run: () => Promise<void>): Promise<void> {
  const startMs = performance.now();
  await run();
  options.onStep({ name, durationMs: Math.round(performance.now() - startMs) });
}

/** Writes what is missing of the sample's source and definition, and changes nothing that is there. */
export async function prepareSource(
  { facts, node, sourceFolder, workspace, servicesFolder }: SampleSource,
): Promise<void> {
  const busybox = busyboxPaths.find((path) => existsSync(path));
  if (busybox === undefined) {
    throw new PlatformError(
      "build-failed",
      "Cannot build the sample: there is no busybox, expected Debian's package busybox-static",
    );
  }
  const target = join(workspace, "hello");
  await mkdir(workspace, { recursive: true });
  await cp(join(sourceFolder, "infra", "examples", "hello"), target, { recursive: true, force: false });
  await copyFile(busybox, join(target, "busybox"));
  await rm(join(target, "hello.toml"), { force: true });
  const template = await readFile(join(sourceFolder, "infra", "examples", "hello", "hello.toml"), "utf8");
  const values: Readonly<Record<string, string>> = {
    registry: facts.registry,
    node,
    port: String(sampleAddress(facts).port),
  };
  const definition = template.replaceAll(/\{(registry|node|port)\}/g, (_match, name: string) => values[name] ?? "");
  const path = sampleDefinitionPath(servicesFolder);
  await mkdir(servicesFolder, { recursive: true });
  if (!existsSync(path)) await writeFile(path, definition.replace(/^#.*\n/, ""));
}

async function runMcp(args: readonly string[], { facts, sourceFolder, signal }: SampleOptions): Promise<void> {
  const command = toProgramCommand(join(sourceFolder, "cli", "main.ts"), ["--config", facts.cliConfig, ...args]);
  const env = { ...process.env, ...toProgramEnvironment(sourceFolder) };
  const child = spawn(command.file, [...command.args], { env, stdio: ["ignore", "pipe", "pipe"], signal });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => void (output = (output + String(chunk)).slice(-4_000)));
  }
  const [code] = await once(child, "exit");
  if (code === 0) return;
  throw new PlatformError(
    "deploy-failed",
    `Cannot run "mcp ${args.join(" ")}": it ended with ${code}:\n${output.trimEnd()}`,
  );
}

/** The page must show the version, and the certificate must be the platform's for that very name. */
async function assertServes(facts: ReadyFacts, expected: string): Promise<void> {
  const { hostname, port } = sampleAddress(facts);
  const host = facts.proxy.slice(0, facts.proxy.lastIndexOf(":")).replace(/^\[|\]$/g, "");
  const ca = await readFile(facts.ca, "utf8");
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const outgoing = request(
    {
      host,
      port,
      servername: hostname,
      ca,
      minVersion: "TLSv1.3",
      headers: { host: `${hostname}:${port}` },
      timeout: 10_000,
      agent: false,
    },
    (answer) => {
      let body = "";
      answer.setEncoding("utf8");
      answer.on("data", (text: string) => void (body += text));
      answer.on("error", reject);
      answer.on("end", () => resolve(`${answer.statusCode} ${body}`));
    },
  );
  outgoing.on("error", reject);
  outgoing.on("timeout", () => outgoing.destroy(new Error("no answer within 10 s")));
  outgoing.end();
  const answer = await promise.catch((cause: unknown) => {
    throw new PlatformError("upstream-failed", `Cannot get the sample's page from "${hostname}:${port}"`, { cause });
  });
  if (answer.startsWith("200 ") && answer.includes(expected)) return;
  throw new PlatformError(
    "upstream-failed",
    `Cannot get the sample's page from "${hostname}:${port}": the answer is "${answer.slice(0, 200)}", expected 200${
      expected === "" ? "" : ` and ${expected}`
    }`,
  );
}
