import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { runCli } from "../run-cli.ts";
import type { Output } from "../world.ts";
import { createFakePlatform, fakeApiUrl, type FakePlatform } from "./fake-platform.ts";

/** What a run of `mcp` left behind. */
export interface RunResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a run differs from one in a script by somebody who is logged in. */
export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** What is typed or piped. */
  readonly stdin?: string;
  /** Terminals on all three streams. */
  readonly isTTY?: boolean;
  readonly interrupt?: AbortSignal;
  readonly now?: Date;
  /** Receives all output as it comes. */
  readonly onOutput?: (text: string) => void;
}

/** A home folder, a fake podman and a fake platform to run `mcp` against. */
export interface Sandbox extends AsyncDisposable {
  readonly fake: FakePlatform;
  readonly dir: string;
  run(words: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** Writes a file, its folders included. */
  write(path: string, text: string): Promise<void>;
  read(path: string): Promise<string>;
  /** Arguments of each run of podman. */
  podmanRuns(): Promise<string[]>;
}

/** Writes its arguments, and the credentials that it was given, to files; fails when `$FAKE_PODMAN_FAILS` names its verb. */
const fakePodman = `#!/bin/sh
here=$(dirname "$0")
echo "$*" >> "$here/../podman-runs"
echo "conf=$CONTAINERS_CONF registries=$CONTAINERS_REGISTRIES_CONF" >> "$here/../podman-env"
previous=""
for word in "$@"; do
  if [ "$previous" = --authfile ]; then cp -p "$word" "$here/../podman-auth"; fi
  previous="$word"
done
echo "STEP 1/2: $1"
if [ "$FAKE_PODMAN_FAILS" = "$1" ]; then echo "Error: no space left" >&2; exit 125; fi
`;

/** A sandbox whose configuration names the fake platform, and where somebody is logged in. */
export async function createSandbox(): Promise<Sandbox> {
  const dir = await mkdtemp(join(tmpdir(), "mcp-cli-test-"));
  const fake = createFakePlatform();
  const sandbox: Sandbox = {
    fake,
    dir,
    run: (words, options = {}) => run(sandbox, words, options),
    async write(path, text) {
      await mkdir(dirname(join(dir, path)), { recursive: true });
      await writeFile(join(dir, path), text);
    },
    read: (path) => readFile(join(dir, path), "utf8"),
    podmanRuns: async () =>
      (await sandbox.read("podman-runs").catch(() => "")).split("\n").filter((line) => line !== ""),
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  };
  await sandbox.write(
    ".config/mcp/mcp.toml",
    `[api]\nurl = "${fakeApiUrl}"\n[build]\nworkspace = "~/src"\nregistry = "127.0.0.1:5000"\n`,
  );
  await sandbox.write(".config/mcp/token", "token-of-admin\n");
  await sandbox.write("bin/podman", fakePodman);
  await chmod(join(dir, "bin/podman"), 0o755);
  return sandbox;
}

async function run({ dir, fake }: Sandbox, words: readonly string[], options: RunOptions): Promise<RunResult> {
  const isTTY = options.isTTY === true;
  const written = { stdout: "", stderr: "" };
  const output = (name: "stdout" | "stderr"): Output => ({
    isTTY,
    columns: isTTY ? 80 : undefined,
    write(text) {
      written[name] += text;
      options.onOutput?.(text);
    },
  });
  const exitCode = await runCli(words, {
    env: { PATH: `${join(dir, "bin")}:${process.env["PATH"] ?? ""}`, TERM: "xterm", ...options.env },
    homeDir: dir,
    stdin: {
      isTTY,
      async *[Symbol.asyncIterator]() {
        yield options.stdin ?? "";
      },
    },
    stdout: output("stdout"),
    stderr: output("stderr"),
    interrupt: options.interrupt ?? new AbortController().signal,
    now: () => options.now ?? new Date("2026-11-24T12:00:00Z"),
    fetch: fake.fetch,
  });
  return { exitCode, ...written };
}

/** A definition with one component `api` that `Dockerfile` builds. */
export function definitionText(name: string, version = "v1.0.0"): string {
  return `name = "${name}"
node = "rift"

[build.images]
${name} = "Dockerfile"

[[components]]
name = "api"
image = "mcr.svc.test:8443/${name}:${version}"

[[components.routes]]
port = 8443
mode = "l7"
`;
}
