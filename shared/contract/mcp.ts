import { z } from "zod";
import { auditEndpoint } from "./audit.ts";
import { ServiceDefinition } from "./definition.ts";
import { edgeEndpoints } from "./edge-endpoints.ts";
import { Empty, endpoint } from "./endpoint.ts";
import { feedEndpoints, FeedQuery } from "./feed-endpoints.ts";
import { Id, Label, Port, Timestamp } from "./names.ts";
import { RouteHost, RouteMode } from "./route.ts";
import { InstanceReport, NodeReport, ProxyReport } from "./state.ts";

/** What a deployment does to a service. */
export const DeploymentKind = z.enum(["deploy", "stop", "start", "restart", "undeploy"]);
/** What a deployment does to a service. */
export type DeploymentKind = z.infer<typeof DeploymentKind>;

/** How far a deployment is. The last three are final. */
export const DeploymentStatus = z.enum([
  "starting",
  "routing",
  "draining",
  "reverting",
  "succeeded",
  "failed",
  "superseded",
]);
/** How far a deployment is. */
export type DeploymentStatus = z.infer<typeof DeploymentStatus>;

/** One run of a change on a service. It goes on in the control plane whoever watches. */
export const Deployment = z.object({
  id: Id,
  service: Label,
  kind: DeploymentKind,
  revision: z.int(),
  status: DeploymentStatus,
  createdBy: z.string(),
  createdAt: Timestamp,
  finishedAt: Timestamp.nullable(),
  /** Why it failed. */
  error: z.string().nullable(),
});
/** One run of a change on a service. */
export type Deployment = z.infer<typeof Deployment>;

/** One line of a deployment's progress. */
export const DeploymentEvent = z.object({
  sequence: z.int(),
  at: Timestamp,
  /** Milliseconds since the deployment was made. */
  elapsedMs: z.int(),
  step: z.enum([
    "resolve",
    "pull",
    "start",
    "health",
    "certificate",
    "route",
    "verify",
    "drain",
    "stop",
    "remove",
    "revert",
    "finish",
  ]),
  state: z.enum(["started", "done", "failed", "info"]),
  component: Label.nullable(),
  message: z.string(),
  /** Last lines of the failed container. */
  log: z.array(z.string()).optional(),
  /** Set on the last event. */
  status: DeploymentStatus.optional(),
});
/** One line of a deployment's progress. */
export type DeploymentEvent = z.infer<typeof DeploymentEvent>;

/** A route as people see it. */
export const RouteView = z.object({
  hostname: RouteHost,
  port: Port,
  mode: RouteMode,
  component: Label,
  name: Label.nullable(),
  url: z.string(),
  backends: z.int(),
  problem: z.string().nullable(),
});
/** A route as people see it. */
export type RouteView = z.infer<typeof RouteView>;

/** One instance as `mcp ps` lists it. */
export const InstanceView = InstanceReport.extend({
  node: Label,
  /** Version from the tag of the image that runs. */
  version: z.string(),
  /** False when the node has not been heard of within its lease: the state may be old. */
  current: z.boolean(),
});
/** One instance as `mcp ps` lists it. */
export type InstanceView = z.infer<typeof InstanceView>;

/** A service in one line. */
export const ServiceSummary = z.object({
  name: Label,
  node: Label,
  revision: z.int(),
  desired: z.enum(["running", "stopped", "defined"]),
  /** `healthy`: all that is desired runs; `drifted`: not (yet). */
  observed: z.enum(["healthy", "drifted", "stopped", "defined"]),
  versions: z.record(z.string(), z.string()),
});
/** A service in one line. */
export type ServiceSummary = z.infer<typeof ServiceSummary>;

/** All that is known of a service. */
export const ServiceDetail = ServiceSummary.extend({
  definition: ServiceDefinition,
  instances: z.array(InstanceView),
  routes: z.array(RouteView),
  deployments: z.array(Deployment),
});
/** All that is known of a service. */
export type ServiceDetail = z.infer<typeof ServiceDetail>;

/** A node as the control plane knows it. */
export const NodeView = z.object({
  name: Label,
  address: z.string(),
  version: z.string(),
  lastSeenAt: Timestamp.nullable(),
  /** `ready` within its lease, `silent` after it. */
  status: z.enum(["ready", "silent"]),
  instances: z.int(),
});
/** A node as the control plane knows it. */
export type NodeView = z.infer<typeof NodeView>;

/** What a node says of itself; renews its lease. */
export const Heartbeat = z.object({
  /** Becomes the value of DNS records: one that is no address would keep all names of its zone from being sent. */
  address: z.union([z.ipv4(), z.ipv6()]),
  version: z.string().max(64),
});
/** What a node says of itself. */
export type Heartbeat = z.infer<typeof Heartbeat>;

/** A wish for logs; the value of the key `logs/<requestId>` in a node's feed. The agent answers by streaming. */
export const LogRequest = z.object({
  requestId: Id,
  service: Label,
  component: Label.optional(),
  /** Newest lines of each container to begin with. */
  tail: z.int().min(0).max(10_000),
  follow: z.boolean(),
});
/** A wish for logs. */
export type LogRequest = z.infer<typeof LogRequest>;

/** One line of a container's output. */
export const LogLine = z.object({
  component: Label,
  instance: z.string(),
  stream: z.enum(["stdout", "stderr"]),
  at: z.string(),
  line: z.string(),
});
/** One line of a container's output. */
export type LogLine = z.infer<typeof LogLine>;

const ServiceParams = z.object({ service: Label });
const NodeParams = z.object({ node: Label });
const operators = ["user", "admin"] as const;

const nodeFeeds = feedEndpoints({
  name: "node",
  topic: "node/{node}",
  what: "what a node should run",
  access: ["node", "admin"],
  params: NodeParams,
  query: FeedQuery,
});
const routeFeeds = feedEndpoints({
  name: "routes",
  topic: "routes",
  what: "the routes of a node's proxy",
  access: ["node", "admin"],
  params: Empty,
  query: FeedQuery.extend({ node: Label.optional() }),
});

/** What the control plane offers. */
export const mcpContract = {
  listServices: endpoint({
    id: "service.list",
    method: "GET",
    path: "/v1/services",
    summary: "List services",
    access: operators,
    answer: z.object({ services: z.array(ServiceSummary) }),
  }),
  getService: endpoint({
    id: "service.get",
    method: "GET",
    path: "/v1/services/{service}",
    summary: "Show a service",
    access: operators,
    params: ServiceParams,
    answer: ServiceDetail,
    errors: ["not-found"],
  }),
  putService: endpoint({
    id: "service.put",
    method: "PUT",
    path: "/v1/services/{service}",
    summary: "Store a service definition without deploying it",
    access: operators,
    params: ServiceParams,
    body: ServiceDefinition,
    answer: z.object({ service: Label, revision: z.int(), changed: z.boolean() }),
    errors: ["conflict"],
  }),
  deploy: endpoint({
    id: "service.deploy",
    method: "POST",
    path: "/v1/services/{service}/deployments",
    summary: "Deploy a service",
    access: operators,
    params: ServiceParams,
    body: z.object({
      /** The definition to deploy; the stored one unless given. */
      definition: ServiceDefinition.optional(),
      /** Replace instances even when nothing changed. */
      force: z.boolean().default(false),
    }),
    answer: Deployment,
    status: 202,
    errors: ["not-found", "image-not-found", "conflict"],
  }),
  stop: endpoint({
    id: "service.stop",
    method: "POST",
    path: "/v1/services/{service}/stop",
    summary: "Stop a service: its routes and names go, its containers stop",
    access: operators,
    params: ServiceParams,
    answer: Deployment,
    status: 202,
    errors: ["not-found", "conflict"],
  }),
  start: endpoint({
    id: "service.start",
    method: "POST",
    path: "/v1/services/{service}/start",
    summary: "Start a stopped service",
    access: operators,
    params: ServiceParams,
    answer: Deployment,
    status: 202,
    errors: ["not-found", "conflict"],
  }),
  restart: endpoint({
    id: "service.restart",
    method: "POST",
    path: "/v1/services/{service}/restart",
    summary: "Restart the containers of a service in place",
    access: operators,
    params: ServiceParams,
    answer: Deployment,
    status: 202,
    errors: ["not-found", "conflict"],
  }),
  undeploy: endpoint({
    id: "service.undeploy",
    method: "DELETE",
    path: "/v1/services/{service}",
    summary: "Undeploy a service: routes, names, certificates and containers go",
    access: operators,
    params: ServiceParams,
    answer: Deployment,
    status: 202,
    errors: ["not-found"],
  }),
  getDeployment: endpoint({
    id: "deployment.get",
    method: "GET",
    path: "/v1/deployments/{id}",
    summary: "Show a deployment",
    access: operators,
    params: z.object({ id: Id }),
    answer: Deployment,
    errors: ["not-found"],
  }),
  followDeployment: endpoint({
    id: "deployment.follow",
    method: "GET",
    path: "/v1/deployments/{id}/events",
    summary: "Follow a deployment: one DeploymentEvent a line (NDJSON) until it ends",
    access: operators,
    params: z.object({ id: Id }),
    query: z.object({ after: z.coerce.number().int().min(0).default(0) }),
    answerKind: "raw",
    errors: ["not-found"],
  }),
  listInstances: endpoint({
    id: "instance.list",
    method: "GET",
    path: "/v1/instances",
    summary: "List instances",
    access: operators,
    answer: z.object({ instances: z.array(InstanceView) }),
  }),
  logs: endpoint({
    id: "service.logs",
    method: "GET",
    path: "/v1/services/{service}/logs",
    summary: "Stream the logs of a service: one LogLine a line (NDJSON)",
    access: operators,
    params: ServiceParams,
    query: z.object({
      component: Label.optional(),
      tail: z.coerce.number().int().min(0).max(10_000).default(100),
      follow: z.stringbool().default(false),
    }),
    answerKind: "raw",
    errors: ["not-found", "unavailable"],
  }),
  listNodes: endpoint({
    id: "node.list",
    method: "GET",
    path: "/v1/nodes",
    summary: "List nodes",
    access: operators,
    answer: z.object({ nodes: z.array(NodeView) }),
  }),
  heartbeat: endpoint({
    id: "node.heartbeat",
    method: "POST",
    path: "/v1/nodes/{node}/heartbeat",
    summary: "Renew a node's lease",
    access: ["node"],
    audited: false,
    params: NodeParams,
    body: Heartbeat,
    answer: z.object({ leaseSeconds: z.int() }),
  }),
  reportNode: endpoint({
    id: "node.report",
    method: "PUT",
    path: "/v1/nodes/{node}/report",
    summary: "Report what runs on a node",
    access: ["node"],
    audited: false,
    params: NodeParams,
    body: NodeReport,
    maxBodyBytes: 16 * 1024 * 1024,
  }),
  reportProxy: endpoint({
    id: "proxy.report",
    method: "PUT",
    path: "/v1/proxies/{node}/report",
    summary: "Report which routes a proxy serves",
    access: ["node"],
    audited: false,
    params: NodeParams,
    body: ProxyReport,
    maxBodyBytes: 64 * 1024 * 1024,
  }),
  sendLogs: endpoint({
    id: "node.logs",
    method: "POST",
    path: "/v1/nodes/{node}/logs/{requestId}",
    summary: "Stream the lines that a log request asked for",
    access: ["node"],
    audited: false,
    params: z.object({ node: Label, requestId: Id }),
    requestBody: "stream",
    errors: ["not-found"],
  }),
  nodeFeed: nodeFeeds.poll,
  nodeStream: nodeFeeds.stream,
  ...edgeEndpoints,
  routeFeed: routeFeeds.poll,
  routeStream: routeFeeds.stream,
  listAudit: auditEndpoint("mcp"),
} as const;
