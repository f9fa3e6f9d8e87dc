import type { ErrorCode } from "#shared/errors/catalogue.ts";

/** Where an error happened, as far as it decides what to do next. */
export interface ErrorPlace {
  /** Words of the command, such as `node list`. */
  readonly command: string | undefined;
  /** Service that the command is about. */
  readonly service: string | undefined;
}

/** The command that helps after an error, or `undefined` when the message says it all. */
export function nextStepOf(code: ErrorCode, { command, service }: ErrorPlace): string | undefined {
  const help = command === undefined ? "mcp --help" : `mcp ${command} --help`;
  switch (code) {
    case "unauthenticated":
    case "token-expired":
      return "mcp login";
    case "invalid-credentials":
      return "mcp login, with the right user name and password";
    case "forbidden":
      return "mcp whoami, to see the roles you have";
    case "invalid-usage":
      return help;
    case "invalid-config":
      return "correct the configuration or name another with --config, then run the same command again";
    case "unavailable":
    case "upstream-failed":
      return "start the platform or correct [api] url in mcp.toml, then run the same command again";
    default:
      return service === undefined || isAboutEdge(command) ? undefined : serviceStepOf(code, service);
  }
}

/** Whether a command's argument is a host name or an address, not a service. */
function isAboutEdge(command: string | undefined): boolean {
  return ["route", "firewall", "proxy", "explain"].includes(command?.split(" ")[0] ?? "");
}

function serviceStepOf(code: ErrorCode, service: string): string | undefined {
  switch (code) {
    case "invalid-definition":
      return `mcp edit ${service}`;
    case "image-not-found":
    case "build-failed":
      return `mcp build ${service}`;
    case "deploy-failed":
      return `mcp logs ${service}`;
    case "not-found":
      return "mcp service list";
    case "conflict":
    case "timeout":
      return `mcp status ${service}`;
    default:
      return undefined;
  }
}
