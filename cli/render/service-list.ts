import type { ServiceSummary } from "#shared/contract/mcp.ts";
import { paintState } from "./instances.ts";
import type { Style } from "./style.ts";
import { formatTable } from "./table.ts";

/** All services, one a line, with the versions that run. */
export function formatServiceList(services: readonly ServiceSummary[], style: Style): string {
  if (services.length === 0) return "No services yet\nNext: mcp edit <service>, then mcp deploy <service>\n";
  return formatTable(services, [
    { heading: "SERVICE", cell: ({ name }) => name },
    { heading: "NODE", cell: ({ node }) => node },
    { heading: "DESIRED", cell: ({ desired }) => desired },
    {
      heading: "OBSERVED",
      cell: ({ observed }) => observed,
      paint: (text, { observed }) => paintState(text, observed, style),
    },
    { heading: "REVISION", cell: ({ revision }) => String(revision) },
    { heading: "VERSIONS", cell: ({ versions }) => showVersions(versions) },
  ], style.dim);
}

/** One version when all components have it, else each component's. */
export function showVersions(versions: Readonly<Record<string, string>>): string {
  const distinct = new Set(Object.values(versions));
  if (distinct.size === 0) return "-";
  if (distinct.size === 1) return [...distinct].join();
  return Object.entries(versions).map(([component, version]) => `${component}=${version}`).join(", ");
}
