import type { z } from "zod";
import { ConfigFile } from "../../cli/platform/config.ts";
import { ProxyConfigFile } from "../../edge-proxy/config.ts";
import { ServerConfigFile } from "../../handlers/server-config.ts";
import { AgentConfigFile } from "../../node-runtime/agent/config.ts";
import { DnsConfigFile } from "../../node-runtime/dns/config.ts";

/** A program with a TOML file. */
export interface ConfigProgram {
  readonly title: string;
  /** How the file is found. */
  readonly usage: string;
  readonly schema: z.ZodObject;
  /** Prefix of the environment variables that override keys. */
  readonly envPrefix: string;
  /** What each key is for, by `section.key`. A key without one, or one without a key, stops the generator. */
  readonly meanings: Readonly<Record<string, string>>;
}

const level = "Least severe lines that are logged.";
const identity = "The node's identity file, made by `metacircular enrol`.";
const admin = "Where health, metrics and the admin endpoints are. They need no login: use a loopback address.";
const origin = (system: string) => `Origin of ${system}, http or https.`;
const database = (system: string) => `Database of ${system} instead of a file in \`dir\`.`;

/** All programs with a TOML file. */
export const configPrograms: readonly ConfigProgram[] = [
  {
    title: "server",
    usage: "`metacircular server --config server.toml`. `$PORT` wins over `server.listen_addr`.",
    schema: ServerConfigFile,
    envPrefix: "SERVER",
    meanings: {
      "server.domain": "Domain of the platform; services are at `<service>.svc.<domain>`.",
      "server.listen_addr": "Where HTTP is served. Clients come through the proxy.",
      "server.state_dir":
        "Folder of the master key, the first admin's password, identities, join tokens and the root certificate.",
      "node.name": "Name of the node on this machine, whose proxy serves the systems' own names.",
      "node.address": "Address by which clients reach its proxy and name server.",
      "node.identity_path": "Where that node's identity is kept. While it is missing a join token is written for it.",
      "proxy.port": "Port of the proxies' main listener, by which routes are proven.",
      "proxy.alias_ports": "External ports that end at the main listener, whatever it is bound to.",
      "dns.server": "`host:port` of a name server that must know a name before a deployment counts as proven.",
      "database.dir": "Folder of the database files; `databases` in the state folder unless given.",
      "database.auth_token": "Token for remote databases.",
      "database.mcp_url": database("MCP"),
      "database.mcias_url": database("MCIAS"),
      "database.mcr_url": database("MCR"),
      "database.mcns_url": database("MCNS"),
      "database.metacrypt_url": database("Metacrypt"),
      "blobs.dir": "Folder of the registry's blobs; `blobs` in the state folder unless given.",
      "peers.mcp": origin("MCP where another server runs it"),
      "peers.mcias": origin("MCIAS where another server runs it"),
      "peers.mcr": origin("MCR where another server runs it"),
      "peers.mcns": origin("MCNS where another server runs it"),
      "peers.metacrypt": origin("Metacrypt where another server runs it"),
      "log.level": level,
    },
  },
  {
    title: "proxy",
    usage: "`metacircular proxy --config proxy.toml`.",
    schema: ProxyConfigFile,
    envPrefix: "MC_PROXY",
    meanings: {
      "proxy.node": "Name of the node whose routes it serves.",
      "proxy.folder": "Folder of the last good routes and of certificates.",
      "listen.address": "Address of every listener.",
      "listen.port": "Main port; 0 picks a free one.",
      "listen.alias_ports":
        "External ports that end at the main listener too. Routes of other ports get listeners of their own.",
      "admin.listen_addr": admin,
      "certificates.root_file": "PEM file with the root that certificates must lead to; not checked without it.",
      "control_plane.mcp_url": origin("MCP"),
      "control_plane.metacrypt_url": origin("Metacrypt"),
      "control_plane.mcias_url": origin("MCIAS"),
      "control_plane.identity_path": identity,
      "limits.drain": "Time for what is in flight when the proxy stops; 30s unless given.",
      "limits.stream_idle": "Longest silence on an L4 connection, a WebSocket or an event stream; 1h unless given.",
      "log.level": level,
    },
  },
  {
    title: "dns",
    usage: "`metacircular dns --config dns.toml`.",
    schema: DnsConfigFile,
    envPrefix: "DNS",
    meanings: {
      "dns.listen": "Addresses for UDP and TCP; a wildcard stands for every address of the machine.",
      "dns.state_path": "File with the last good zones.",
      "dns.upstreams":
        "Servers that other names are forwarded to, in order. Those of `/etc/resolv.conf` unless given; an empty list forwards nothing.",
      "dns.allow_forward": "Networks whose clients may use the forwarder, as `address/prefix`.",
      "admin.listen_addr": admin,
      "control_plane.mcns_url": origin("MCNS"),
      "control_plane.mcias_url": origin("MCIAS"),
      "control_plane.identity_path": identity,
      "log.level": level,
    },
  },
  {
    title: "agent",
    usage: "`metacircular agent --config agent.toml`.",
    schema: AgentConfigFile,
    envPrefix: "MCP_AGENT",
    meanings: {
      "agent.node": "Name of the node that it works for.",
      "agent.folder": "Folder of the last good desired state, the agent's notes and podman's socket.",
      "agent.platform": "Marks containers as ours: two platforms on one machine need two names.",
      "agent.address": "Address under which clients and other nodes reach this one. Names of its services point to it.",
      "podman.socket": "Socket of a podman service that somebody else runs; the agent runs its own without it.",
      "podman.registry_name": "Name, with port, of the registry that is reached at `registry_location`.",
      "podman.registry_location": "Loopback address of that registry.",
      "admin.listen_addr": admin,
      "control_plane.mcp_url": origin("MCP"),
      "control_plane.mcias_url": origin("MCIAS"),
      "control_plane.identity_path": identity,
      "log.level": level,
    },
  },
  {
    title: "mcp.toml",
    usage:
      "The operator's file: `--config`, `$MCP_CONFIG`, else `${XDG_CONFIG_HOME:-~/.config}/mcp/mcp.toml`. It may be missing. Relative paths are seen from the file; `~` is the home folder.",
    schema: ConfigFile,
    envPrefix: "MCP",
    meanings: {
      "api.url": "Origin that offers every system.",
      "api.ca_cert": "CA file of an https origin, also of the registry that is pushed to; the system's CAs without it.",
      "services.dir": "Folder of `<service>.toml`.",
      "services.registry": "Registry in the images of a definition that `mcp edit` begins.",
      "build.workspace": "A service's source is `<workspace>/<path>`.",
      "build.registry": "`host:port` to push to instead of the registry in the image's name.",
      "build.containers_conf": "`CONTAINERS_CONF` for podman.",
      "build.registries_conf": "`CONTAINERS_REGISTRIES_CONF` for podman.",
      "auth.token_path": "Where the token is kept, mode 0600.",
      "nodes.name":
        "Name of a node. The first one is the node of a definition that `mcp edit` begins; nothing else in `[[nodes]]` is used.",
      "nodes.address": "Its address.",
      "nodes.ssh": "Its name for ssh.",
      "nodes.arch": "Its architecture.",
    },
  },
];
