import { readFile } from "node:fs/promises";
import process from "node:process";
import { printData } from "../render/print.ts";
import type { Cli } from "../world.ts";

/** Prints the version of this program and of what runs it. */
export async function version(cli: Cli): Promise<void> {
  const release = await readRelease();
  const runtime = process.versions["deno"] === undefined
    ? `node ${process.versions.node}`
    : `deno ${process.versions["deno"]}`;
  printData(cli, { version: release, runtime }, () => `mcp ${release} (${runtime})\n`);
}

/** The version in the project's package.json. */
async function readRelease(): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(new URL("../../package.json", import.meta.url), "utf8"));
  const isNamed = typeof manifest === "object" && manifest !== null && "version" in manifest;
  return isNamed && typeof manifest.version === "string" ? manifest.version : "unknown";
}
