import { Buffer } from "node:buffer";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Files that podman reads to authenticate itself and to trust the registry; gone when disposed. */
export interface PushCredentials extends AsyncDisposable {
  /** Arguments of `podman push`. The token is in a 0600 file, never on a command line that other users can list. */
  readonly arguments: readonly string[];
}

/** What {@link createPushCredentials} needs. */
export interface PushCredentialsOptions {
  /** `host:port` of the registry. */
  readonly registry: string;
  readonly username: string;
  readonly token: string;
  /** CA of the registry; the system's CAs unless given. */
  readonly caPath: string | undefined;
}

/** Credentials for one registry, in containers-auth.json(5) form inside a folder that only the operator can read. */
export async function createPushCredentials(options: PushCredentialsOptions): Promise<PushCredentials> {
  const folder = await mkdtemp(join(tmpdir(), "mcp-push-")); // 0700
  const authPath = join(folder, "auth.json");
  const auth = Buffer.from(`${options.username}:${options.token}`).toString("base64");
  await writeFile(authPath, JSON.stringify({ auths: { [options.registry]: { auth } } }), { mode: 0o600 });
  return {
    arguments: ["--authfile", authPath, ...await trustArguments(options, folder)],
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** A registry on this machine's loopback may speak plain HTTP: nobody else is on that wire. */
async function trustArguments({ registry, caPath }: PushCredentialsOptions, folder: string): Promise<string[]> {
  if (isLoopback(registry)) return ["--tls-verify=false"];
  if (caPath === undefined) return [];
  await copyFile(caPath, join(folder, "ca.crt"));
  return ["--cert-dir", folder];
}

/** Says whether `host:port` is on this machine. */
export function isLoopback(registry: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/.test(registry);
}
