/** All that a new container is made of, with its ports. */
export interface PlannedContainer {
  readonly name: string;
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  readonly command: readonly string[];
  readonly mounts: readonly string[];
  readonly ports: readonly { readonly hostPort: number; readonly containerPort: number }[];
  readonly network: string;
  readonly user?: string;
}

/** The instance that an operation is about. */
export interface OperationTarget {
  readonly service: string;
  readonly component: string;
  readonly instance: string;
  readonly containerName: string;
}

/** One step from what runs to what should run. Printed by `mcp plan`, executed by the agent. */
export type Operation =
  | OperationTarget & { readonly kind: "pull"; readonly image: string; readonly reference: string }
  | OperationTarget & {
    readonly kind: "create";
    readonly container: PlannedContainer;
    readonly ports: Readonly<Record<string, number>>;
  }
  | OperationTarget & {
    readonly kind: "start";
    /** Id of an existing container; a new one is started by its name. */
    readonly containerId: string | undefined;
    readonly restartGeneration: number;
  }
  | OperationTarget & { readonly kind: "restart"; readonly containerId: string; readonly restartGeneration: number }
  | OperationTarget & { readonly kind: "stop"; readonly containerId: string }
  | OperationTarget & { readonly kind: "remove"; readonly containerId: string };

/** One line that says what an operation does. */
export function describeOperation(operation: Operation): string {
  switch (operation.kind) {
    case "pull":
      return `pull ${operation.reference}`;
    case "create":
      return `create ${operation.containerName}${describePorts(operation.ports)}`;
    case "start":
      return `start ${operation.containerName}`;
    case "restart":
      return `restart ${operation.containerName} in place`;
    case "stop":
      return `stop ${operation.containerName}`;
    case "remove":
      return `remove ${operation.containerName}`;
  }
}

function describePorts(ports: Readonly<Record<string, number>>): string {
  const entries = Object.entries(ports).map(([name, port]) => (name === "" ? `${port}` : `${name}=${port}`));
  return entries.length === 0 ? "" : ` on port ${entries.join(", ")}`;
}
