import { Buffer } from "node:buffer";
import { z } from "zod";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { inPath, parseAnswer, type PodmanCall, type PodmanConnection } from "./connection.ts";
import { readLines } from "./json-lines.ts";
import { streamBytes } from "./stream.ts";

const PullLine = z.object({ stream: z.string().optional(), error: z.string().optional(), id: z.string().optional() });
const ImageInspect = z.object({
  Id: z.string(),
  Digest: z.string(),
  RepoTags: z.array(z.string()).nullish(),
  RepoDigests: z.array(z.string()).nullish(),
});

/** Credentials for the registry that an image comes from. */
export interface RegistryAuth {
  /** Account name. */
  readonly username: string;
  /** Password or token. */
  readonly password: string;
  /**
   * Registries (`host` or `host:port`) that they are for, the one that registries.conf leads to included. Without any they go to
   * the registry that the reference names, and are lost when registries.conf leads elsewhere.
   */
  readonly registries?: readonly string[];
}

/** How an image is pulled. */
export interface PullOptions {
  /** Credentials; none unless given. */
  readonly auth?: RegistryAuth;
  /** Receives podman's progress lines. */
  readonly onProgress?: (line: string) => void;
  /** Cancels the pull. */
  readonly signal?: AbortSignal;
}

/** A local image. */
export interface PodmanImage {
  /** Id: hex digest of its configuration. */
  readonly id: string;
  /** Digest of its manifest, `sha256:…`. */
  readonly digest: string;
  /** Names with a tag. */
  readonly tags: readonly string[];
  /** Names with a digest. */
  readonly digests: readonly string[];
}

/** Image operations. */
export interface PodmanImages {
  /** The id of the pulled image. @throws {PlatformError} podman-failed — with podman's reason */
  pullImage(reference: string, options?: PullOptions): Promise<string>;
  /** Whether an image is stored locally under this reference. */
  imageExists(reference: string): Promise<boolean>;
  /** The local image. @throws {PlatformError} not-found */
  inspectImage(reference: string): Promise<PodmanImage>;
  /** Removes a local image, or only the name when it has others. @throws {PlatformError} not-found, conflict */
  removeImage(reference: string, options?: { force?: boolean }): Promise<void>;
}

/** The image operations over a connection. */
export function createImages(connection: PodmanConnection): PodmanImages {
  return {
    pullImage: (reference, options = {}) => pullImage(connection, reference, options),
    async imageExists(reference) {
      return exists(connection, `/images/${inPath(reference)}/exists`, `look for image "${reference}"`);
    },
    async inspectImage(reference) {
      const call = { path: `/images/${inPath(reference)}/json`, action: `inspect image "${reference}"` };
      const image = await connection.json(call, ImageInspect);
      return { id: image.Id, digest: image.Digest, tags: image.RepoTags ?? [], digests: image.RepoDigests ?? [] };
    },
    async removeImage(reference, options = {}) {
      const action = `remove image "${reference}"`;
      await connection.text({
        method: "DELETE",
        path: `/images/${inPath(reference)}`,
        query: { force: options.force },
        action,
      });
    },
  };
}

/** Whether a libpod `exists` path answers 204 rather than 404. */
export async function exists(connection: PodmanConnection, path: string, action: string): Promise<boolean> {
  try {
    await connection.text({ path, action });
    return true;
  } catch (error) {
    if (error instanceof PlatformError && error.code === "not-found") return false;
    throw error;
  }
}

async function pullImage(connection: PodmanConnection, reference: string, options: PullOptions): Promise<string> {
  const action = `pull image "${reference}"`;
  const { signal, onProgress } = options;
  const lines = readLines(streamBytes(connection, toPullCall(reference, action, options)));
  let id: string | undefined;
  let failure: string | undefined;
  for await (const text of lines) {
    const line = parseAnswer(action, text, PullLine);
    if (line.stream !== undefined) onProgress?.(line.stream.trimEnd());
    failure = line.error ?? failure;
    id = line.id || id;
  }
  if (signal?.aborted) throw new PlatformError("cancelled", `Cannot ${action}: the pull was cancelled`);
  if (failure === undefined && id !== undefined) return id;
  const reason = failure ?? "podman ended the pull without an image";
  throw new PlatformError("podman-failed", `Cannot ${action}: ${reason}`, { details: { reason } });
}

function toPullCall(reference: string, action: string, options: PullOptions): PodmanCall {
  return {
    method: "POST",
    path: "/images/pull",
    query: { reference },
    action,
    ...(options.auth === undefined ? {} : { headers: toAuthHeaders(options.auth) }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  };
}

/**
 * One set of credentials as `X-Registry-Auth`, or, when registries are named, one for each as `X-Registry-Config`: podman drops
 * the former when registries.conf leads the reference to another host.
 */
function toAuthHeaders({ username, password, registries = [] }: RegistryAuth): Record<string, string> {
  const credentials = { username, password };
  if (registries.length === 0) return { "x-registry-auth": toHeader(credentials) };
  return { "x-registry-config": toHeader(Object.fromEntries(registries.map((name) => [name, credentials]))) };
}

/** Base64url (RFC 4648 §5) of a JSON object, with the padding that podman insists on. */
function toHeader(value: unknown): string {
  const encoded = Buffer.from(JSON.stringify(value)).toString("base64url");
  return encoded.padEnd(Math.ceil(encoded.length / 4) * 4, "=");
}
