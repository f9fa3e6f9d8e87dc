import type { DesiredRoute } from "#shared/contract/state.ts";

/** Keys of the ports that a component needs: its distinct route names, `""` for the unnamed route. */
export function portKeys(routes: readonly DesiredRoute[]): string[] {
  return [...new Set(routes.map((route) => route.name ?? ""))];
}

/** `$PORT` for the unnamed route, `$PORT_<NAME>` for a named one (guide §5), set to the host port. */
export function toPortVariables(ports: Readonly<Record<string, number>>): Record<string, string> {
  return Object.fromEntries(Object.entries(ports).map(([name, port]) => [toVariable(name), String(port)]));
}

function toVariable(routeName: string): string {
  return routeName === "" ? "PORT" : `PORT_${routeName.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_")}`;
}
