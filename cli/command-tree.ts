import type { ArgumentSpec, CommandSpec, OptionSpec } from "./command-spec.ts";
import { edgeCommands } from "./edge-commands.ts";

/** Options of every command. */
export const globalOptions: readonly OptionSpec[] = [
  { flags: "--config <file>", summary: "configuration instead of $MCP_CONFIG or ~/.config/mcp/mcp.toml" },
  { flags: "--json", summary: "data as JSON on stdout, errors as one JSON object on stderr" },
  { flags: "--no-color", summary: "no colours, as under $NO_COLOR" },
];

const service: ArgumentSpec = { name: "service", completes: "service" };
const watchOptions: readonly OptionSpec[] = [
  { flags: "-d, --detach", summary: "do not wait for the end" },
  { flags: "--timeout <duration>", summary: "stop waiting after this time, such as 90s (default: 10m)" },
  { flags: "--attach <deployment>", summary: "watch a deployment that is on its way" },
];

const imageCommands: readonly CommandSpec[] = [
  {
    name: "build",
    summary: "Build and push images to MCR",
    arguments: [{ name: "service[/image]", completes: "service" }],
    examples: ["mcp build web", "mcp build web/web-api"],
    load: async () => (await import("./commands/build.ts")).build,
  },
  {
    name: "sync",
    summary: "Push all service definitions; auto-build missing images",
    options: [{ flags: "--dry-run", summary: "only check definitions and images" }],
    examples: ["mcp sync", "mcp sync --dry-run"],
    load: async () => (await import("./commands/sync.ts")).sync,
  },
];

const changeCommands: readonly CommandSpec[] = [
  {
    name: "deploy",
    summary: "Pull image, (re)create containers, register routes",
    arguments: [service],
    options: [...watchOptions, { flags: "--force", summary: "replace containers even when nothing changed" }],
    examples: ["mcp deploy web", "mcp deploy web --timeout 2m", "mcp deploy web --detach --json"],
    load: async () => (await import("./commands/deploy.ts")).deploy,
  },
  {
    name: "undeploy",
    summary: "Full teardown: remove routes, DNS, certs, and containers",
    arguments: [service],
    options: [...watchOptions, { flags: "-y, --yes", summary: "do not ask" }],
    examples: ["mcp undeploy web", "mcp undeploy web --yes"],
    load: async () => (await import("./commands/undeploy.ts")).undeploy,
  },
  {
    name: "stop",
    summary: "Remove routes, stop containers",
    arguments: [service],
    options: watchOptions,
    examples: ["mcp stop web"],
    load: async () => (await import("./commands/stop.ts")).stop,
  },
  {
    name: "start",
    summary: "Start previously stopped containers",
    arguments: [service],
    options: watchOptions,
    examples: ["mcp start web"],
    load: async () => (await import("./commands/start.ts")).start,
  },
  {
    name: "restart",
    summary: "Restart containers in place",
    arguments: [service],
    options: watchOptions,
    examples: ["mcp restart web"],
    load: async () => (await import("./commands/restart.ts")).restart,
  },
];

const readCommands: readonly CommandSpec[] = [
  {
    name: "ps",
    summary: "List all managed containers and status",
    examples: ["mcp ps", "mcp ps --json"],
    load: async () => (await import("./commands/ps.ts")).ps,
  },
  {
    name: "status",
    summary: "Detailed status for a specific service, or all in one line each",
    arguments: [{ ...service, isOptional: true }],
    examples: ["mcp status", "mcp status web"],
    load: async () => (await import("./commands/status.ts")).status,
  },
  {
    name: "logs",
    summary: "Stream container logs",
    arguments: [{ name: "service[/component]", completes: "service" }],
    options: [
      { flags: "-f, --follow", summary: "go on with what comes, until Ctrl-C" },
      { flags: "-n, --tail <lines>", summary: "newest lines of each container to begin with (default: 100)" },
    ],
    examples: ["mcp logs web", "mcp logs web/api -f -n 20"],
    load: async () => (await import("./commands/logs.ts")).logs,
  },
  {
    name: "edit",
    isInteractive: true,
    summary: "Edit service definition",
    arguments: [service],
    examples: ["mcp edit web", "EDITOR=nano mcp edit web"],
    load: async () => (await import("./commands/edit.ts")).edit,
  },
  {
    name: "service",
    summary: "Look at the services that the control plane knows",
    commands: [
      {
        name: "list",
        summary: "List services",
        examples: ["mcp service list"],
        load: async () => (await import("./commands/service-list.ts")).serviceList,
      },
      {
        name: "show",
        summary: "Show the stored definition of a service",
        arguments: [service],
        examples: ["mcp service show web"],
        load: async () => (await import("./commands/service-show.ts")).serviceShow,
      },
    ],
  },
  {
    name: "node",
    summary: "Look at the nodes",
    commands: [{
      name: "list",
      summary: "List nodes",
      examples: ["mcp node list"],
      load: async () => (await import("./commands/node-list.ts")).nodeList,
    }],
  },
];

const sessionCommands: readonly CommandSpec[] = [
  {
    name: "login",
    summary: "Log in to MCIAS and store the token",
    options: [
      { flags: "-u, --username <name>", summary: "account name; asked for on a terminal" },
      { flags: "--password-file <file>", summary: "read the password from a file" },
      { flags: "--password-stdin", summary: "read the password from stdin" },
    ],
    examples: ["mcp login", "mcp login --username admin --password-file ~/.mc/admin-password"],
    load: async () => (await import("./commands/login.ts")).login,
  },
  {
    name: "logout",
    summary: "Revoke the stored token and delete it",
    load: async () => (await import("./commands/logout.ts")).logout,
  },
  {
    name: "whoami",
    summary: "Show whom the stored token stands for",
    load: async () => (await import("./commands/whoami.ts")).whoami,
  },
  {
    name: "completion",
    summary: "Print a shell's completion script",
    arguments: [{ name: "shell", completes: ["bash", "zsh", "fish"] }],
    examples: ["source <(mcp completion bash)", "mcp completion fish > ~/.config/fish/completions/mcp.fish"],
    load: async () => (await import("./commands/completion.ts")).completion,
  },
  { name: "version", summary: "Print the version", load: async () => (await import("./commands/version.ts")).version },
  {
    name: "__complete",
    summary: "Print the words that complete an argument",
    isHidden: true,
    arguments: [{ name: "kind" }],
    load: async () => (await import("./commands/complete.ts")).complete,
  },
];

/** Every command of `mcp`: the one source of parsing, help and completion. */
export const commandTree: readonly CommandSpec[] = [
  ...imageCommands,
  ...changeCommands,
  ...readCommands,
  ...edgeCommands,
  ...sessionCommands,
];
