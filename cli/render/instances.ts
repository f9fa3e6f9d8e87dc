import type { InstanceView } from "#shared/contract/mcp.ts";
import { formatAgo } from "./ago.ts";
import type { Style } from "./style.ts";
import type { Column } from "./table.ts";

/** The columns that describe an instance, whatever list it is in. */
export function instanceColumns(style: Style, now: Date): Column<InstanceView>[] {
  return [
    { heading: "COMPONENT", cell: ({ component }) => component },
    { heading: "NODE", cell: ({ node }) => node },
    { heading: "VERSION", cell: ({ version }) => version },
    {
      heading: "STATE",
      cell: showState,
      paint: (text, { state, current }) => paintState(text, current ? state : "unknown", style),
    },
    { heading: "STARTED", cell: ({ startedAt, state }) => state === "stopped" ? "-" : formatAgo(startedAt, now) },
    { heading: "PORTS", cell: ({ ports }) => showPorts(ports) },
    { heading: "INSTANCE", cell: ({ instance }) => instance },
  ];
}

/** A silent node's last word may be old. */
function showState({ state, current, exitCode }: InstanceView): string {
  const exit = exitCode === undefined || state !== "failed" ? "" : ` (exit ${exitCode})`;
  return `${state}${exit}${current ? "" : "?"}`;
}

/** A state word in its colour: green is good, red is broken, yellow is on its way or unknown. */
export function paintState(text: string, state: string, style: Style): string {
  if (["healthy", "ready", "running", "succeeded"].includes(state)) return style.green(text);
  if (["failed", "unhealthy", "silent"].includes(state)) return style.red(text);
  return ["stopped", "defined"].includes(state) ? style.dim(text) : style.yellow(text);
}

/** Host ports by route name, such as `rest=41001, grpc=41002`; the unnamed route's port alone. */
function showPorts(ports: InstanceView["ports"]): string {
  const shown = Object.entries(ports).map(([name, port]) => name === "" ? String(port) : `${name}=${port}`);
  return shown.length === 0 ? "-" : shown.join(", ");
}
