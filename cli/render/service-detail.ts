import { parseImageReference } from "#shared/contract/image-reference.ts";
import type { Deployment, RouteView, ServiceDetail } from "#shared/contract/mcp.ts";
import { formatAgo } from "./ago.ts";
import { instanceColumns, paintState } from "./instances.ts";
import { printable, type Style } from "./style.ts";
import { formatTable } from "./table.ts";

/** Deployments that the page shows, newest first. */
const shownDeployments = 5;

interface Look {
  readonly style: Style;
  readonly now: Date;
}

/** The page of one service: state, drift, instances, routes, last deployments and what is wrong. */
export function formatServiceDetail(detail: ServiceDetail, look: Look): string {
  const { style } = look;
  const sections = [
    formatHead(detail, style),
    detail.instances.length === 0
      ? ""
      : section("Instances", formatTable(detail.instances, instanceColumns(style, look.now), style.dim), style),
    detail.routes.length === 0 ? "" : section("Routes", formatRoutes(detail.routes, style), style),
    detail.deployments.length === 0 ? "" : section("Deployments", formatDeployments(detail.deployments, look), style),
    formatProblems(detail, style),
  ];
  return sections.filter((text) => text !== "").join("\n");
}

function formatHead({ name, node, revision, desired, observed }: ServiceDetail, style: Style): string {
  const state = observed === desired || (observed === "healthy" && desired === "running")
    ? observed
    : `${observed}, should be ${desired}`;
  return `${style.bold(name)} on ${node}: ${paintState(state, observed, style)}, revision ${revision}\n`;
}

function section(title: string, body: string, style: Style): string {
  return `${style.bold(title)}\n${body}`;
}

function formatRoutes(routes: readonly RouteView[], style: Style): string {
  return formatTable(routes, [
    { heading: "URL", cell: ({ url }) => url },
    { heading: "MODE", cell: ({ mode }) => mode },
    { heading: "COMPONENT", cell: ({ component, name }) => name === null ? component : `${component}/${name}` },
    {
      heading: "BACKENDS",
      cell: ({ backends }) => String(backends),
      paint: (text, { backends }) => backends === 0 ? style.red(text) : text,
    },
  ], style.dim);
}

function formatDeployments(deployments: readonly Deployment[], { style, now }: Look): string {
  return formatTable(deployments.slice(0, shownDeployments), [
    { heading: "ID", cell: ({ id }) => id },
    { heading: "KIND", cell: ({ kind }) => kind },
    { heading: "REVISION", cell: ({ revision }) => String(revision) },
    { heading: "STATUS", cell: ({ status }) => status, paint: (text, { status }) => paintState(text, status, style) },
    { heading: "BY", cell: ({ createdBy }) => createdBy },
    { heading: "AGO", cell: ({ createdAt }) => formatAgo(createdAt, now) },
  ], style.dim);
}

function formatProblems(detail: ServiceDetail, style: Style): string {
  const problems = listProblems(detail);
  if (problems.length === 0) return "";
  const lines = problems.flatMap((
    { text, log = [] },
  ) => [`${style.red("✗")} ${printable(text)}`, ...log.map((line) => `  ${style.dim("|")} ${printable(line)}`)]);
  return section("Problems", [...lines, `Next: mcp logs ${detail.name}`].map((line) => `${line}\n`).join(""), style);
}

interface Problem {
  readonly text: string;
  readonly log?: readonly string[];
}

/** What keeps a service from being as it should: broken instances, drift between wanted and running versions, routes, the last deployment. */
export function listProblems(detail: ServiceDetail): Problem[] {
  return [
    ...detail.instances.flatMap(({ component, state, reason, lastLog, current, node }): Problem[] => {
      if (!current) return [{ text: `${component}: node ${node} is silent, its state may be old` }];
      const isBroken = state === "failed" || state === "unhealthy";
      if (!isBroken && reason === undefined) return [];
      return [{ text: `${component}: ${reason ?? `is ${state}`}`, ...(lastLog === undefined ? {} : { log: lastLog }) }];
    }),
    ...(detail.desired === "running" ? listDrift(detail) : []),
    ...detail.routes.flatMap(({ url, problem }) => problem === null ? [] : [{ text: `${url}: ${problem}` }]),
    ...lastFailure(detail.deployments),
  ];
}

function listDrift({ definition, instances }: ServiceDetail): Problem[] {
  return definition.components.flatMap(({ name, image }): Problem[] => {
    const wanted = parseImageReference(image).tag;
    const running = instances.filter(({ component, state }) => component === name && state !== "stopped");
    if (running.length === 0) return [{ text: `${name}: no instance runs, expected ${wanted}` }];
    const others = new Set(running.map(({ version }) => version).filter((version) => version !== wanted));
    return others.size === 0
      ? []
      : [{ text: `${name}: ${[...others].join(", ")} runs, the definition says ${wanted}` }];
  });
}

function lastFailure([last]: readonly Deployment[]): Problem[] {
  if (last?.status !== "failed") return [];
  return [{ text: `last ${last.kind} (revision ${last.revision}) failed: ${last.error ?? "no reason is known"}` }];
}
