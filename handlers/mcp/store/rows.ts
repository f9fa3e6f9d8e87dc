import { z } from "zod";
import { ServiceDefinition } from "#shared/contract/definition.ts";
import { DeploymentEvent, DeploymentKind, DeploymentStatus } from "#shared/contract/mcp.ts";
import { FirewallPart } from "#shared/contract/edge-views.ts";
import { StoredRouteDefinition } from "#shared/contract/route-definition.ts";
import { DesiredComponent, InstanceReport, ProxyReport } from "#shared/contract/state.ts";

/** A column that holds JSON. */
function json<T extends z.ZodType>(schema: T) {
  return z.string().transform((text): unknown => JSON.parse(text)).pipe(schema);
}

/** A row of `service`. */
export const ServiceRow = z.object({
  name: z.string(),
  node: z.string(),
  definition: json(ServiceDefinition),
  revision: z.int(),
  desired: z.enum(["defined", "running", "stopped"]),
  active_deployment: z.string().nullable(),
  routed_deployment: z.string().nullable(),
  open_deployment: z.string().nullable(),
  restart_generation: z.int(),
});
/** A row of `service`. */
export type ServiceRow = z.infer<typeof ServiceRow>;

/** A row of `deployment`. */
export const DeploymentRow = z.object({
  id: z.string(),
  service: z.string(),
  node: z.string(),
  kind: DeploymentKind,
  revision: z.int(),
  status: DeploymentStatus,
  components: json(z.array(DesiredComponent)),
  baseline: json(z.record(z.string(), z.string())),
  routes_revision: z.int().nullable(),
  released: z.int().transform((value) => value === 1),
  created_by: z.string(),
  created_at: z.string(),
  phase_started_at: z.string(),
  finished_at: z.string().nullable(),
  error: z.string().nullable(),
});
/** A row of `deployment`. */
export type DeploymentRow = z.infer<typeof DeploymentRow>;

/** A row of `node`. */
export const NodeRow = z.object({
  name: z.string(),
  address: z.string(),
  version: z.string(),
  last_seen_at: z.string(),
  applied_revision: z.int(),
  proxy_revision: z.int(),
  proxy_problems: json(z.record(z.string(), z.string())),
  proxy_draining: json(z.record(z.string(), z.number())),
  /** All that its proxy said last. */
  proxy_report: json(ProxyReport).nullable(),
  proxy_reported_at: z.string().nullable(),
});
/** A row of `node`. */
export type NodeRow = z.infer<typeof NodeRow>;

/** A row of `instance`. */
export const InstanceRow = z.object({ node: z.string(), report: json(InstanceReport) });
/** A row of `instance`. */
export type InstanceRow = z.infer<typeof InstanceRow>;

/** A row of `stored_route`. */
export const StoredRouteRow = z.object({
  node: z.string(),
  hostname: z.string(),
  port: z.int(),
  definition: json(StoredRouteDefinition),
  created_by: z.string(),
  created_at: z.string(),
});
/** A row of `stored_route`. */
export type StoredRouteRow = z.infer<typeof StoredRouteRow>;

/** A row of `firewall`. */
export const FirewallRow = z.object({ scope: z.string(), rules: json(FirewallPart) });

/** A row of which only the name was asked. */
export const NameRow = z.object({ name: z.string() });

/** A row of `deployment_event`. */
export const EventRow = z.object({ event: json(DeploymentEvent) });
