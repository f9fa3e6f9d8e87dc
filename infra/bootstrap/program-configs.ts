import { join } from "node:path";
import type { Layout, ProgramName } from "./layout.ts";
import type { UpOptions } from "./up-options.ts";

/** What the programs' configurations depend on. */
export interface PlatformFacts extends Omit<UpOptions, "apiPort"> {
  readonly apiPort: number;
  /** Label of this platform's containers. */
  readonly platformId: string;
  readonly podmanSocket: string;
}

/** External ports that end at the proxy's main listener: the guide's, whatever the listener is bound to. */
const aliasPorts = [443, 8443];

/** Origin of the API on this machine. */
export function apiUrlOf({ apiPort }: Pick<PlatformFacts, "apiPort">): string {
  return `http://127.0.0.1:${apiPort}`;
}

/** The registry in image references: the name that the guide's definitions use. */
export function registryNameOf({ domain, proxyPort }: Pick<PlatformFacts, "domain" | "proxyPort">): string {
  return `mcr.svc.${domain}:${proxyPort}`;
}

/** Where the registry of that name listens on this machine. */
export function registryLocationOf({ apiPort }: Pick<PlatformFacts, "apiPort">): string {
  return `127.0.0.1:${apiPort}`;
}

/** An address and a port as programs write them. */
export function hostPort(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The TOML table of each program's configuration. */
export function toProgramConfigs(
  facts: PlatformFacts,
  layout: Layout,
): Readonly<Record<ProgramName, Record<string, unknown>>> {
  const api = apiUrlOf(facts);
  const identity = { identity_path: layout.identity };
  return {
    server: {
      server: { domain: facts.domain, listen_addr: `127.0.0.1:${facts.apiPort}`, state_dir: layout.server },
      node: { name: facts.node, address: facts.address, ...identity },
      proxy: { port: facts.proxyPort, alias_ports: aliasPorts },
      dns: { server: hostPort(facts.address, facts.dnsPort) },
    },
    proxy: {
      proxy: { node: facts.node, folder: join(layout.node, "proxy") },
      listen: { address: facts.address, port: facts.proxyPort, alias_ports: aliasPorts },
      limits: { drain: "5s" },
      certificates: { root_file: layout.ca },
      control_plane: { mcp_url: api, metacrypt_url: api, mcias_url: api, ...identity },
    },
    dns: {
      dns: { listen: [hostPort(facts.address, facts.dnsPort)], state_path: join(layout.node, "dns", "zones.state") },
      control_plane: { mcns_url: api, mcias_url: api, ...identity },
    },
    agent: {
      agent: {
        node: facts.node,
        folder: join(layout.node, "agent"),
        platform: facts.platformId,
        address: facts.address,
      },
      podman: {
        socket: facts.podmanSocket,
        registry_name: registryNameOf(facts),
        registry_location: registryLocationOf(facts),
      },
      control_plane: { mcp_url: api, mcias_url: api, ...identity },
    },
  };
}

/** Places that the operator's configuration names. */
export interface ConfigFiles {
  readonly layout: Layout;
  /** Folder of podman's own configuration. */
  readonly podmanFolder: string;
}

/** The TOML table of an operator's `mcp.toml` for this platform. */
export function toCliConfig(facts: PlatformFacts, files: ConfigFiles): Record<string, unknown> {
  const { layout } = files;
  return {
    api: { url: apiUrlOf(facts), ca_cert: layout.ca },
    services: { dir: layout.services, registry: registryNameOf(facts) },
    build: {
      workspace: layout.workspace,
      registry: registryLocationOf(facts),
      containers_conf: join(files.podmanFolder, "containers.conf"),
      registries_conf: join(files.podmanFolder, "registries.conf"),
    },
    auth: { token_path: join(layout.cli, "token") },
    nodes: [{ name: facts.node, address: facts.address }],
  };
}
