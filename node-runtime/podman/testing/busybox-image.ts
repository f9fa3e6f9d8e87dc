import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { isInstalled } from "../host-facts.ts";

const busyboxPath = "/bin/busybox";
const containerfile = [
  "FROM scratch",
  "COPY busybox /bin/busybox",
  'RUN ["/bin/busybox", "--install", "-s", "/bin"]',
  "",
].join("\n");

/** Why tests with a real podman cannot run here; `undefined` when they can. */
export function whyNoPodman(): string | undefined {
  if (!isInstalled("podman")) return "podman is not installed";
  return existsSync(busyboxPath) ? undefined : `${busyboxPath} (package busybox-static) is missing`;
}

/**
 * Builds an image with busybox alone, from nothing, so that no registry is asked. `environment` is that of the podman service.
 *
 * @throws {PlatformError} build-failed — with podman's output
 */
export async function buildBusyboxImage(
  tag: string,
  options: { environment: Readonly<Record<string, string>> },
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "busybox-image-"));
  try {
    await copyFile(busyboxPath, join(folder, "busybox"));
    await writeFile(join(folder, "Containerfile"), containerfile);
    const env = { ...process.env, ...options.environment };
    await promisify(execFile)("podman", ["build", "--quiet", "--tag", tag, folder], { env, timeout: 60_000 });
  } catch (cause) {
    throw new PlatformError("build-failed", `Cannot build image "${tag}": podman build failed`, { cause });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
