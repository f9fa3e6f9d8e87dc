import type { CommandSpec, OptionSpec } from "./command-spec.ts";

const nodeOption: OptionSpec = { flags: "--node <node>", summary: "the proxy of this node only" };
const ownNodeOption: OptionSpec = {
  flags: "--node <node>",
  summary: "node whose proxy serves the route; needed when there are several",
};
const firewallNode: OptionSpec = { flags: "--node <node>", summary: "the firewall of this node instead of all nodes" };

const routeOptions: readonly OptionSpec[] = [
  ownNodeOption,
  { flags: "--file <file>", summary: "read the route from a TOML file; other options win over it" },
  { flags: "--port <port>", summary: "port that clients connect to (default: 443)" },
  { flags: "--mode <mode>", summary: "l4: TLS goes through; l7: the proxy terminates TLS (default: l7)" },
  { flags: "--backend <address:port>", summary: "where the route leads; may be repeated", isRepeatable: true },
  { flags: "--service <name>", summary: "name in logs and metrics (default: stored)" },
  { flags: "--replace", summary: "take the place of the stored route of that name and port" },
  { flags: "--backend-protocol <protocol>", summary: "http, https, h2c or h2 (default: http)" },
  { flags: "--backend-name <name>", summary: "name that a backend's certificate must have (https, h2)" },
  { flags: "--proxy-protocol <version>", summary: "v1 or v2: tell l4 backends the client's address" },
  { flags: "--certificate <issuer>", summary: "acme: from a public CA instead of the platform's" },
  { flags: "--limit-head <size>", summary: "largest request head, such as 16KiB" },
  { flags: "--limit-body <size>", summary: "largest request body, such as 10MiB" },
  { flags: "--limit-first-byte <duration>", summary: "longest wait for the head of a response" },
  { flags: "--limit-total <duration>", summary: "longest time for a request and its response" },
  { flags: "--limit-idle <duration>", summary: "longest time without a byte" },
  { flags: "--limit-requests <count/window>", summary: "requests of one client address, such as 100/10s" },
  { flags: "--block-user-agent <text>", summary: "refuse user agents with this text; repeatable", isRepeatable: true },
  {
    flags: "--require-header <header>",
    summary: 'refuse requests without "Name" or "Name: value"; repeatable',
    isRepeatable: true,
  },
  {
    flags: "--allow <address>",
    summary: "refuse other client addresses or CIDR blocks; repeatable",
    isRepeatable: true,
  },
  {
    flags: "--trusted-proxy <address>",
    summary: "believe this peer's X-Forwarded-For; repeatable",
    isRepeatable: true,
  },
  { flags: "--forward-auth <service>", summary: "mcias, or a URL to ask before each request" },
  { flags: "--maintenance <text>", summary: "answer everything with 503 and this text" },
  { flags: "--pause <duration>", summary: "hold requests from now on for up to so long, until the route is replaced" },
];

const routeCommands: readonly CommandSpec[] = [
  {
    name: "list",
    summary: "List all routes: deployed, stored and static ones",
    options: [nodeOption],
    examples: ["mcp route list", "mcp route list --node edge --json"],
    load: async () => (await import("./commands/route-list.ts")).routeList,
  },
  {
    name: "add",
    summary: "Store a route to something that no deployment runs",
    arguments: [{ name: "host", isOptional: true }],
    options: routeOptions,
    examples: [
      "mcp route add nas.example.net --backend 10.0.0.7:8080",
      "mcp route add '*.shop.example.net' --mode l4 --backend 10.0.0.8:443 --proxy-protocol v2",
      "mcp route add --file route.toml --replace",
    ],
    load: async () => (await import("./commands/route-add.ts")).routeAdd,
  },
  {
    name: "remove",
    summary: "Remove a stored route",
    arguments: [{ name: "host" }],
    options: [ownNodeOption, { flags: "--port <port>", summary: "port of the route (default: 443)" }],
    examples: ["mcp route remove nas.example.net"],
    load: async () => (await import("./commands/route-remove.ts")).routeRemove,
  },
];

function listCommands(what: string, argument: string, examples: readonly [string, string]): readonly CommandSpec[] {
  const options = [firewallNode];
  const [block, unblock] = examples;
  const isCountry = argument === "country";
  return [
    {
      name: "block",
      summary: `Refuse connections from ${what}`,
      arguments: [{ name: argument }],
      options,
      examples: [block],
      load: async () => {
        const commands = await import("./commands/firewall-change.ts");
        return isCountry ? commands.firewallBlockCountry : commands.firewallBlock;
      },
    },
    {
      name: "unblock",
      summary: `Take back what refused connections from ${what}`,
      arguments: [{ name: argument }],
      options,
      examples: [unblock],
      load: async () => {
        const commands = await import("./commands/firewall-change.ts");
        return isCountry ? commands.firewallUnblockCountry : commands.firewallUnblock;
      },
    },
  ];
}

const firewallCommands: readonly CommandSpec[] = [
  {
    name: "show",
    summary: "Show the firewall: what is set, what holds, what it refused",
    options: [{ flags: "--node <node>", summary: "what holds at this node, and what its proxy refused" }],
    examples: ["mcp firewall show", "mcp firewall show --node edge"],
    load: async () => (await import("./commands/firewall-show.ts")).firewallShow,
  },
  ...listCommands("an address or a CIDR block", "address", [
    "mcp firewall block 192.0.2.0/24",
    "mcp firewall unblock 192.0.2.0/24 --node edge",
  ]),
  {
    name: "allow",
    summary: "Never refuse nor limit an address or a CIDR block",
    arguments: [{ name: "address" }],
    options: [firewallNode],
    examples: ["mcp firewall allow 10.0.0.0/8"],
    load: async () => (await import("./commands/firewall-change.ts")).firewallAllow,
  },
  {
    name: "disallow",
    summary: "Take an address or a CIDR block off the list of those that are never refused",
    arguments: [{ name: "address" }],
    options: [firewallNode],
    examples: ["mcp firewall disallow 10.0.0.0/8"],
    load: async () => (await import("./commands/firewall-change.ts")).firewallDisallow,
  },
  {
    name: "country",
    summary: "Refuse connections by country",
    commands: listCommands("a country", "country", [
      "mcp firewall country block KP",
      "mcp firewall country unblock KP",
    ]),
  },
  {
    name: "limit",
    summary: "Limit the connections of one client",
    options: [
      firewallNode,
      { flags: "--connections <count/window>", summary: "new connections, such as 100/10s; none takes the limit away" },
      { flags: "--open <count>", summary: "open connections, such as 200; none takes the limit away" },
    ],
    examples: ["mcp firewall limit --connections 100/10s --open 200", "mcp firewall limit --open none"],
    load: async () => (await import("./commands/firewall-change.ts")).firewallLimit,
  },
  {
    name: "shadow",
    summary: "Only count what would be refused (on), refuse it (off), or, for a node, do as all nodes do (default)",
    arguments: [{ name: "state", completes: ["on", "off", "default"] }],
    options: [firewallNode],
    examples: ["mcp firewall shadow on", "mcp firewall shadow default --node edge"],
    load: async () => (await import("./commands/firewall-change.ts")).firewallShadow,
  },
];

/** Commands about the proxies: routes, firewall, what they report. */
export const edgeCommands: readonly CommandSpec[] = [
  { name: "route", summary: "Look at routes, and store some of one's own", commands: routeCommands },
  { name: "firewall", summary: "Say whom the proxies refuse", commands: firewallCommands },
  {
    name: "proxy",
    summary: "Look at the proxies",
    commands: [{
      name: "status",
      summary: "Show what the proxies report: routes, certificates, connections, firewall",
      options: [nodeOption],
      examples: ["mcp proxy status", "mcp proxy status --node edge"],
      load: async () => (await import("./commands/proxy-status.ts")).proxyStatus,
    }],
  },
  {
    name: "explain",
    summary: "Say what would become of a request: route, policies, certificate, backends",
    arguments: [{ name: "host" }, { name: "path", isOptional: true }],
    options: [
      nodeOption,
      { flags: "--port <port>", summary: "port that the client connects to (default: 443)" },
      { flags: "--client <address>", summary: "address of the client" },
    ],
    examples: ["mcp explain shop.example.net", "mcp explain shop.example.net /cart --client 192.0.2.1"],
    load: async () => (await import("./commands/explain.ts")).explain,
  },
];
