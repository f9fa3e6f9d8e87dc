import { once } from "node:events";
import { createClient, type Fetch } from "#shared/contract/client.ts";
import { mcpContract } from "#shared/contract/mcp.ts";
import { metacryptContract } from "#shared/contract/metacrypt.ts";
import type { ProxyReport } from "#shared/contract/state.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { openMachineIdentity } from "#shared/mcdsl/machine-identity.ts";
import type { CertificateSource } from "./certificates/certificate-keeper.ts";
import type { ProxyConfig } from "./config.ts";

/** What the proxy asks of the control plane. */
export interface ProxyControlPlane {
  /** Opens the stream of route frames after a revision. */
  readonly openRoutes: (since: number, signal: AbortSignal) => Promise<Response>;
  /** Opens the stream of firewall frames after a revision. */
  readonly openFirewall: (since: number, signal: AbortSignal) => Promise<Response>;
  /** Tells what the proxy serves. */
  readonly report: (report: ProxyReport, signal: AbortSignal) => Promise<unknown>;
  /** Issues certificates. */
  readonly certificates: CertificateSource;
}

/** How the control plane is reached. */
export interface ControlPlaneAccess {
  /** The runtime's own `fetch`, or another app's. */
  readonly fetch: Fetch;
  /** Token of the node; from the enrolled identity unless given. */
  readonly token?: () => Promise<string>;
}

/**
 * The control plane of a configuration, as the contract clients see it. Without one, routes never come and certificates fail.
 *
 * @throws {PlatformError} invalid-config — when the node's identity cannot be used
 */
export async function connectControlPlane(config: ProxyConfig, access: ControlPlaneAccess): Promise<ProxyControlPlane> {
  const { controlPlane, node } = config;
  if (controlPlane === undefined) return standalone;
  const { fetch } = access;
  const { mciasUrl, identityPath } = controlPlane;
  const token = access.token ??
    (await openMachineIdentity({ identityPath, client: { fetch, baseUrl: mciasUrl }, now: () => new Date() })).token;
  const mcp = createClient(mcpContract, { fetch, baseUrl: controlPlane.mcpUrl, token });
  const metacrypt = createClient(metacryptContract, { fetch, baseUrl: controlPlane.metacryptUrl, token });
  return {
    openRoutes: (since, signal) => mcp.routeStream({ query: { since, node }, signal }),
    openFirewall: (since, signal) => mcp.firewallStream({ query: { since, node }, signal }),
    report: (report, signal) => mcp.reportProxy({ params: { node }, body: report, signal }),
    certificates: {
      obtain: async (_hostname, csrPem) => (await metacrypt.signCsr({ body: { csrPem } })).chainPem,
    },
  };
}

/** Nothing comes until the proxy stops. */
async function openNothing(_since: number, signal: AbortSignal): Promise<Response> {
  if (!signal.aborted) await once(signal, "abort");
  throw new PlatformError("cancelled", "Cannot follow the control plane: the proxy stops");
}

const standalone: ProxyControlPlane = {
  openRoutes: openNothing,
  openFirewall: openNothing,
  report: () => Promise.resolve(),
  certificates: {
    obtain(hostname) {
      const message = `Cannot obtain a certificate for "${hostname}": there is no control plane`;
      return Promise.reject(new PlatformError("unavailable", message));
    },
  },
};
