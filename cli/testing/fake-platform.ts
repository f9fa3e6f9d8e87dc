import { createApi } from "#shared/contract/server.ts";
import type { Fetch } from "#shared/contract/client.ts";
import { mciasContract } from "#shared/contract/mcias.ts";
import { type InstanceView, type LogLine, mcpContract, type NodeView } from "#shared/contract/mcp.ts";
import { mcrContract } from "#shared/contract/mcr.ts";
import { platformAudience, type Principal } from "#shared/contract/principal.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { createLog } from "#shared/log/log.ts";
import { createFakeDeployments, type FakeDeployments } from "./fake-deployments.ts";
import { createFakeEdge, type FakeEdge } from "./fake-edge.ts";
import { type FakeServices, getFakeService, newFakeService } from "./fake-services.ts";
import { toNdjson } from "./ndjson-body.ts";

/** The platform in memory, behind the real contracts. Tests set what it knows and look at what it was asked. */
export interface FakePlatform {
  readonly fetch: Fetch;
  /** `METHOD path` of each request, in order. */
  readonly requests: string[];
  readonly passwords: Map<string, string>;
  /** Live tokens, and the account of each. */
  readonly tokens: Map<string, string>;
  readonly services: FakeServices;
  readonly instances: InstanceView[];
  readonly nodes: NodeView[];
  /** `<repository>:<tag>` of what the registry has. */
  readonly images: Set<string>;
  /** Lines that each connection for logs gets; a connection beyond them waits. */
  readonly logConnections: LogLine[][];
  readonly logQueries: string[];
  readonly deployments: FakeDeployments;
  readonly edge: FakeEdge;
  /** Answers like a platform that is switched off. */
  isDown: boolean;
}

/** Where the fake platform pretends to be. */
export const fakeApiUrl = "http://platform.test";

/** A platform with the account `admin` (password `secret`) and the live token `token-of-admin`. */
export function createFakePlatform(): FakePlatform {
  const api = createApi({
    system: "fake",
    validator: { validateToken: (token) => Promise.resolve(principalOf(fake, token)) },
    log: createLog({ system: "fake", write: () => {} }),
    now: () => new Date(0),
    audit: () => Promise.resolve(),
  });
  const fake: FakePlatform = {
    fetch: (request) => {
      fake.requests.push(`${request.method} ${new URL(request.url).pathname}`);
      if (fake.isDown) throw new TypeError("connect ECONNREFUSED");
      return api.app.fetch(request);
    },
    requests: [],
    passwords: new Map([["admin", "secret"]]),
    tokens: new Map([["token-of-admin", "admin"]]),
    services: new Map(),
    instances: [],
    nodes: [],
    images: new Set(),
    logConnections: [],
    logQueries: [],
    deployments: createFakeDeployments(),
    edge: createFakeEdge(),
    isDown: false,
  };
  implementMcias(api, fake);
  implementServices(api, fake);
  implementReads(api, fake);
  implementMcr(api, fake);
  fake.deployments.implement(api, fake.services);
  fake.edge.implement(api);
  return fake;
}

type FakeApi = ReturnType<typeof createApi>;

function principalOf({ tokens }: FakePlatform, token: string): Principal {
  const username = tokens.get(token);
  if (username === undefined) {
    throw new PlatformError("token-expired", "Cannot use the token: it has expired, expected a live one");
  }
  const expiresAt = "2030-01-01T00:00:00.000Z";
  return {
    accountId: "a1",
    username,
    kind: "human",
    roles: ["admin"],
    tokenId: "t1",
    audience: [platformAudience],
    expiresAt,
  };
}

function implementMcias({ implement }: FakeApi, fake: FakePlatform): void {
  implement(mciasContract.login, ({ body }) => {
    if (fake.passwords.get(body.username) !== body.password) {
      throw new PlatformError(
        "invalid-credentials",
        `Cannot log in as "${body.username}": user name or password is wrong, expected right ones`,
      );
    }
    fake.tokens.set(`fresh-token-of-${body.username}`, body.username);
    return Promise.resolve({ token: `fresh-token-of-${body.username}`, expiresAt: "2030-01-01T00:00:00.000Z" });
  });
  implement(mciasContract.logout, ({ request }) => {
    fake.tokens.delete((request.headers.get("authorization") ?? "").replace(/^Bearer /, ""));
    return Promise.resolve(undefined);
  });
  implement(mciasContract.renew, ({ principal }) => {
    fake.tokens.set("renewed-token", principal.username);
    return Promise.resolve({ token: "renewed-token", expiresAt: "2030-01-01T00:00:00.000Z" });
  });
  implement(mciasContract.whoami, ({ principal }) => Promise.resolve(principal));
}

function implementServices({ implement }: FakeApi, fake: FakePlatform): void {
  implement(mcpContract.listServices, () => Promise.resolve({ services: [...fake.services.values()] }));
  implement(mcpContract.getService, ({ params }) => Promise.resolve(getFakeService(fake.services, params.service)));
  implement(mcpContract.putService, ({ params, body }) => {
    const before = fake.services.get(params.service);
    const isChanged = JSON.stringify(before?.definition) !== JSON.stringify(body);
    const revision = (before?.revision ?? 0) + (isChanged ? 1 : 0);
    fake.services.set(params.service, { ...(before ?? newFakeService(body)), definition: body, revision });
    return Promise.resolve({ service: params.service, revision, changed: isChanged });
  });
}

function implementReads({ implement }: FakeApi, fake: FakePlatform): void {
  implement(mcpContract.listInstances, () => Promise.resolve({ instances: fake.instances }));
  implement(mcpContract.listNodes, () => Promise.resolve({ nodes: fake.nodes }));
  implement(mcpContract.logs, ({ params, query, request }) => {
    getFakeService(fake.services, params.service);
    fake.logQueries.push(`${query.component ?? "*"} tail=${query.tail} follow=${query.follow}`);
    const lines = fake.logConnections.shift();
    return Promise.resolve(
      new Response(toNdjson({ values: lines ?? [], staysOpen: lines === undefined, signal: request.signal })),
    );
  });
}

function implementMcr({ implement }: FakeApi, fake: FakePlatform): void {
  implement(mcrContract.resolveImage, ({ query }) => {
    if (!fake.images.has(query.reference)) {
      throw new PlatformError(
        "image-not-found",
        `Cannot resolve "${query.reference}": the registry does not have it, expected a pushed image`,
      );
    }
    return Promise.resolve({
      digest: `sha256:${"0".repeat(64)}`,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      sizeBytes: 1,
    });
  });
}
