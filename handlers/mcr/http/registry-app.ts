import { type Context, Hono } from "hono";
import type { Principal } from "#shared/contract/principal.ts";
import { clientIpOf, requestIdOf } from "#shared/contract/request-facts.ts";
import { type PlatformError, toPlatformError } from "#shared/errors/platform-error.ts";
import type { Log } from "#shared/log/log.ts";
import type { AuditEvent } from "#shared/store/audit.ts";
import { bearerChallenge, originOf, scopeOf } from "../domain/challenge.ts";
import { type Operation, parseOperation } from "../domain/operation.ts";
import { assertAllowed, decide } from "../domain/policy.ts";
import { issueToken } from "../routes/issue-token.ts";
import type { Authenticator } from "./authenticate.ts";
import { bodySourceOf } from "./body-source.ts";
import { handlers } from "./handlers.ts";
import type { RegistryCall, RegistryDependencies } from "./registry-call.ts";
import { toOciErrorResponse } from "./render-error.ts";

/** What the registry API needs beyond what its handlers use. */
export interface RegistryAppDependencies extends RegistryDependencies {
  readonly authenticator: Authenticator;
  readonly audit: (event: Omit<AuditEvent, "id">) => Promise<void>;
  readonly now: () => Date;
  readonly log: Log;
  /** Origin under which clients reach the registry, when the request itself does not tell. */
  readonly publicUrl: string | undefined;
}

/** Operations whose failures are audited too; their success is, in the transaction of the change itself. */
const changes: ReadonlySet<string> = new Set(["put-manifest", "delete-manifest", "delete-blob"]);

/** The registry API below `/v2` (OCI distribution-spec) with the Docker token flow. */
export function createRegistryApp(deps: RegistryAppDependencies): Hono {
  const app = new Hono();
  app.all("/v2", (context) => serve(context, deps));
  app.all("/v2/*", (context) => serve(context, deps));
  return app;
}

/** What is known of a request when it fails. */
interface Progress {
  operation?: Operation | undefined;
  principal?: Principal;
}

async function serve(context: Context, deps: RegistryAppDependencies): Promise<Response> {
  const progress: Progress = {};
  let response: Response;
  try {
    response = await answer(context, deps, progress);
  } catch (error) {
    response = await refuse(context, deps, { progress, error: toPlatformError(error) });
  }
  response.headers.set("docker-distribution-api-version", "registry/2.0");
  response.headers.set("x-request-id", requestIdOf(context.req.raw));
  return response;
}

async function answer(context: Context, deps: RegistryAppDependencies, progress: Progress): Promise<Response> {
  const request = context.req.raw;
  const { pathname, searchParams } = new URL(request.url);
  const clientIp = clientIpOf(context);
  if (pathname === "/v2/token") return issueToken(request, { ...deps, clientIp });
  // A stranger learns nothing but where tokens come from, whatever the path.
  progress.operation = tryParse(request.method, pathname);
  const { principal } = await deps.authenticator.identify(request, clientIp);
  progress.principal = principal;
  const operation = parseOperation(request.method, pathname);
  return handlers[operation.name](toCall(context, { operation, principal, query: searchParams, deps }), deps);
}

function tryParse(method: string, path: string): Operation | undefined {
  try {
    return parseOperation(method, path);
  } catch {
    return undefined;
  }
}

interface CallFacts {
  readonly operation: Operation;
  readonly principal: Principal;
  readonly query: URLSearchParams;
  readonly deps: RegistryAppDependencies;
}

function toCall(context: Context, { operation, principal, query, deps }: CallFacts): RegistryCall {
  return {
    principal,
    repository: operation.repository,
    target: operation.target,
    query,
    request: context.req.raw,
    body: bodySourceOf(context),
    mayDo: (action, repository) => decide(principal, { action, repository }).isAllowed,
    allow: (action, repository) =>
      assertAllowed(principal, repository === undefined ? { action } : { action, repository }),
    audited: (resource) =>
      toAuditEvent(context, deps, { operation, principal }, { resource, outcome: "allowed", code: null }),
  };
}

async function refuse(
  context: Context,
  deps: RegistryAppDependencies,
  { progress, error }: { readonly progress: Progress; readonly error: PlatformError },
): Promise<Response> {
  const request = context.req.raw;
  const requestId = requestIdOf(request);
  const hasCredentials = request.headers.has("authorization");
  const { operation } = progress;
  if (error.httpStatus >= 500) {
    deps.log.error("request failed", { requestId, method: request.method, path: context.req.path, error });
  }
  const isDenial = error.httpStatus === 403 || (error.httpStatus === 401 && hasCredentials);
  if (isDenial || (progress.principal !== undefined && operation !== undefined && changes.has(operation.name))) {
    const outcome = isDenial ? "denied" : "failed";
    await deps.audit(toAuditEvent(context, deps, progress, { resource: context.req.path, outcome, code: error.code }));
  }
  const response = toOciErrorResponse(error, requestId);
  if (error.httpStatus === 401) {
    const scope = operation === undefined ? undefined : scopeOf(operation);
    response.headers.set("www-authenticate", challengeFor(context, deps, { scope, hasCredentials }));
  }
  return response;
}

function challengeFor(
  context: Context,
  deps: RegistryAppDependencies,
  options: { readonly scope: string | undefined; readonly hasCredentials: boolean },
): string {
  // The token endpoint itself takes a username and password and nothing else.
  if (context.req.path === "/v2/token") return 'Basic realm="mcr"';
  const origin = deps.publicUrl ?? originOf({
    forwardedProto: context.req.header("x-forwarded-proto"),
    host: context.req.header("host"),
    fallback: new URL(context.req.url),
  });
  return bearerChallenge(origin, options.scope, options.hasCredentials);
}

function toAuditEvent(
  context: Context,
  deps: RegistryAppDependencies,
  { operation, principal }: Progress,
  facts: Pick<AuditEvent, "resource" | "outcome" | "code">,
): Omit<AuditEvent, "id"> {
  return {
    at: deps.now().toISOString(),
    actor: principal?.username ?? null,
    action: auditAction(operation, context.req.path),
    resource: facts.resource.slice(0, 512),
    outcome: facts.outcome,
    code: facts.code,
    requestId: requestIdOf(context.req.raw),
    clientIp: clientIpOf(context),
  };
}

/** `manifest.put` for `put-manifest`: the form of the platform's other audit logs. */
function auditAction(operation: Operation | undefined, path: string): string {
  if (path === "/v2/token") return "token.issue";
  const [verb, noun] = operation?.name.split("-") ?? [];
  return noun === undefined ? "registry.request" : `${noun}.${verb}`;
}
