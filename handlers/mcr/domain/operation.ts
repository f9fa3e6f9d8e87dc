import { ociError } from "./oci-error.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";

/** An operation of the registry API; `end-…` are the ids of the OCI distribution-spec ("Endpoints"). */
export type OperationName =
  | "check-version"
  | "list-catalog"
  | "list-tags"
  | "list-referrers"
  | "start-upload"
  | "get-upload"
  | "append-upload"
  | "finish-upload"
  | "cancel-upload"
  | "get-blob"
  | "delete-blob"
  | "get-manifest"
  | "put-manifest"
  | "delete-manifest";

/** What a method and path ask for. Names in it are not checked yet. */
export interface Operation {
  readonly name: OperationName;
  /** The repository's name, or empty where the operation is about none. */
  readonly repository: string;
  /** The last path component: a digest, a reference or an upload's id; else empty. */
  readonly target: string;
}

interface Route {
  readonly pattern: RegExp;
  readonly methods: Readonly<Record<string, OperationName>>;
}

// Repository names hold slashes, so the path is read from its end; the first pattern that fits counts.
const routes: readonly Route[] = [
  { pattern: /^\/v2\/?$/, methods: { GET: "check-version" } }, // end-1
  { pattern: /^\/v2\/_catalog$/, methods: { GET: "list-catalog" } },
  { pattern: /^\/v2\/(.+)\/tags\/list$/, methods: { GET: "list-tags" } }, // end-8
  { pattern: /^\/v2\/(.+)\/referrers\/([^/]+)$/, methods: { GET: "list-referrers" } }, // end-12
  { pattern: /^\/v2\/(.+)\/blobs\/uploads\/?$/, methods: { POST: "start-upload" } }, // end-4, end-11
  {
    pattern: /^\/v2\/(.+)\/blobs\/uploads\/([^/]+)$/, // end-13, end-5, end-6, end-14
    methods: { GET: "get-upload", PATCH: "append-upload", PUT: "finish-upload", DELETE: "cancel-upload" },
  },
  { pattern: /^\/v2\/(.+)\/blobs\/([^/]+)$/, methods: { GET: "get-blob", DELETE: "delete-blob" } }, // end-2, end-10
  {
    pattern: /^\/v2\/(.+)\/manifests\/([^/]+)$/, // end-3, end-7, end-9
    methods: { GET: "get-manifest", PUT: "put-manifest", DELETE: "delete-manifest" },
  },
];

/**
 * The operation that a method and a path (percent-encoded, without query) ask for; HEAD is GET.
 *
 * @throws {PlatformError} not-found (UNSUPPORTED) — when no such path exists; method-not-allowed — when the path has no such method;
 *   invalid-request (NAME_INVALID) — when the path is not percent-encoded UTF-8
 */
export function parseOperation(method: string, path: string): Operation {
  const plain = decode(path);
  for (const { pattern, methods } of routes) {
    const match = pattern.exec(plain);
    if (match === null) continue;
    const name = methods[method === "HEAD" ? "GET" : method];
    if (name !== undefined) return { name, repository: match[1] ?? "", target: match[2] ?? "" };
    const allowed = Object.keys(methods).flatMap((known) => known === "GET" ? ["GET", "HEAD"] : [known]).join(", ");
    throw new PlatformError(
      "method-not-allowed",
      `Cannot ${method} "${plain}": the method is not offered here, expected ${allowed}`,
      {
        details: { allowed },
      },
    );
  }
  throw ociError("UNSUPPORTED", `Cannot ${method} "${plain}": the registry has no such path`, { code: "not-found" });
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch (cause) {
    throw ociError("NAME_INVALID", `Cannot read the path "${path.slice(0, 256)}": it is not percent-encoded UTF-8`, {
      cause,
    });
  }
}
