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
      "proxy.folder": "Folder of the last good routes and rules, of certificates and of the secret of session tickets.",
      "proxy.workers":
        "Threads that serve, each with listeners of its own on the same ports. More than one only on Node.",
      "listen.address": "Address of every listener.",
      "listen.port": "Main port; 0 picks a free one.",
      "listen.alias_ports":
        "External ports that end at the main listener too. Routes of other ports get listeners of their own.",
      "listen.redirect_port":
        "Port of plain HTTP, usually 80: redirects known names to HTTPS (308) and answers ACME challenges. Not there unless given.",
      "listen.reuse_port":
        "Whether another process may listen on the same ports (SO_REUSEPORT), so that a new one can start before the old one stops.",
      "listen.proxy_protocol_ports":
        "Listeners whose connections begin with a header of the PROXY protocol, v1 or v2. Without one, or from somebody else, they are reset.",
      "listen.trusted_proxies": "Addresses and CIDR blocks that may send that header.",
      "listen.refuse_with":
        "How a connection for no or an unknown name is refused: with a TLS alert that says so, or with a TCP reset.",
      "listen.default_hostname": "Name of clients that ask for none by SNI. They are refused unless given.",
      "admin.listen_addr": `${admin} Not there unless given.`,
      "admin.socket_path": "Unix socket with the same endpoints. Not there unless given.",
      "admin.socket_mode": "Who may open it: the owner, or his group too.",
      "certificates.root_file": "PEM file with the root that certificates must lead to; not checked without it.",
      "certificates.files.hostnames": "Names that the certificate is for; those that it has unless given.",
      "certificates.files.chain_file": "PEM file with the leaf and the intermediates. Followed when it changes.",
      "certificates.files.key_file": "PEM file with the key of the leaf.",
      "certificates.files.roots_file": "PEM file with the roots that the chain must lead to; `root_file` unless given.",
      "acme.directory_url": 'Directory of a public CA (RFC 8555), for routes with `certificate = "acme"`.',
      "acme.email": "Whom the CA may write to.",
      "acme.agree_terms": "Whether you agree to the terms of service of the CA; needed.",
      "acme.external_key_id": "Account at the CA that ours is bound to.",
      "acme.external_hmac_key": "Key of that account, base64url.",
      "acme.ca_file": "PEM file of the CA of the directory itself, when it is no public one.",
      "acme.roots_file": "PEM file of the roots that issued chains must lead to, when they are no public ones.",
      "acme.challenges": "Ways to prove a name, the preferred one first.",
      "firewall.country_file":
        "MaxMind database with countries (`.mmdb`). Followed when it changes; without it no country is blocked.",
      "firewall.tracked_clients": "Clients whose connections and requests are counted at the same time, 64 bytes each.",
      "control_plane.mcp_url": origin("MCP"),
      "control_plane.metacrypt_url": origin("Metacrypt"),
      "control_plane.mcias_url": origin("MCIAS"),
      "control_plane.identity_path": identity,
      "limits.first_byte": "Until the first byte of a connection, and for a whole PROXY header; 3s unless given.",
      "limits.client_hello": "Until the whole ClientHello; 5s unless given.",
      "limits.handshake": "Until the TLS handshake is done; 10s unless given.",
      "limits.request_head": "Until a request's head is complete, from its first byte; 10s unless given.",
      "limits.head_bytes": "Largest request head; 16 KiB unless given.",
      "limits.request_body_idle": "Between two reads of a request's body; 30s unless given.",
      "limits.request_body_bytes_per_second":
        "Fewest bytes a second of a request's body that lasts longer than 10 s; 500 unless given, 0 for any.",
      "limits.connect": "Until an instance takes a connection; 5s unless given.",
      "limits.response_head": "Until an instance's response head; 60s unless given.",
      "limits.response_body_idle": "Between two reads of a response's body; 5m unless given.",
      "limits.stream_idle": "Longest silence on an L4 connection, a WebSocket or an event stream; 1h unless given.",
      "limits.client_keep_alive": "Until an idle connection of a client is closed; 75s unless given.",
      "limits.backend_keep_alive": "Until an idle connection to an instance is closed; 3500ms unless given.",
      "limits.connection_age": "Age at which a client's connection ends after its response; 1h unless given.",
      "limits.connections": "Open connections of all clients; 50,000 unless given.",
      "limits.connections_per_address": "Open connections of one IPv4 address or IPv6 /64; 10,000 unless given.",
      "limits.handshakes": "Connections that are not routed yet and TLS handshakes, at once; 4,096 unless given.",
      "limits.drain": "Time for what is in flight when the proxy stops or a route goes; 30s unless given.",
      "log.access": "Which requests get a line: all, those that failed, or none.",
      "routes.hostname": "Host name, or `*.` before one for any one label. Names in people's scripts are converted.",
      "routes.port": "External port.",
      "routes.mode": "`l4` passes TLS through, `l7` terminates it and proxies HTTP.",
      "routes.service": "Service that the route is reported under.",
      "routes.component": "Component that the route is reported under.",
      "routes.backends": "Instances, as `<IP address>:<port>`.",
      "routes.backend_protocol": "What an L7 route speaks to its instances; `http` unless given.",
      "routes.backend_server_name": "Name that an instance's certificate must have; the host name unless given.",
      "routes.send_proxy_protocol": "Header of the PROXY protocol that an L4 route sends to its instances.",
      "routes.certificate": "`acme` for a certificate of the public CA; the platform's otherwise.",
      "routes.idle": "Longest silence on a connection, a WebSocket or an event stream.",
      "routes.body_bytes": "Largest request body.",
      "routes.allow_addresses": "Addresses and CIDR blocks of the only clients that may use the route.",
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
