import type { RouteListing, RouteState } from "#shared/contract/edge-views.ts";
import { printable, type Style } from "./style.ts";
import { formatTable } from "./table.ts";

/** The routes as a table, and what is wrong with them below it. */
export function formatRouteList(routes: readonly RouteListing[], style: Style): string {
  if (routes.length === 0) return "Nothing is routed yet\n";
  const table = formatTable(routes, [
    { heading: "NODE", cell: ({ node }) => node },
    { heading: "ROUTE", cell: ({ hostname, port }) => `${hostname}:${port}` },
    { heading: "MODE", cell: ({ mode }) => mode },
    { heading: "ORIGIN", cell: ({ origin }) => origin },
    {
      heading: "SERVICE",
      cell: ({ service, component }) => service === component ? service : `${service}/${component}`,
    },
    { heading: "STATE", cell: ({ state }) => state, paint: (text, { state }) => paintRouteState(text, state, style) },
    { heading: "BACKENDS", cell: ({ backends }) => backends.join(", ") },
  ], style.dim);
  const problems = routes.flatMap(({ node, hostname, port, problem }) =>
    problem === null ? [] : [`${style.red("✗")} ${hostname}:${port} on ${node}: ${printable(problem)}\n`]
  );
  return problems.length === 0 ? table : `${table}\n${problems.join("")}`;
}

function paintRouteState(text: string, state: RouteState, style: Style): string {
  switch (state) {
    case "serves":
      return style.green(text);
    case "problem":
      return style.red(text);
    case "pending":
    case "unknown":
      return style.yellow(text);
  }
}
