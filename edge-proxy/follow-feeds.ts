import { join } from "node:path";
import { FirewallRules, openFirewall } from "#shared/contract/firewall.ts";
import { Route } from "#shared/contract/route.ts";
import { startFeedClient } from "#shared/feed/feed-client.ts";
import type { Log } from "#shared/log/log.ts";
import type { ProxyConfig } from "./config.ts";
import type { ProxyControlPlane } from "./control-plane.ts";
import type { LocalFirewall } from "./local-firewall.ts";
import type { Proxy } from "./proxy.ts";

/** What following a feed needs. */
export interface FollowOptions {
  readonly config: Pick<ProxyConfig, "folder">;
  readonly controlPlane: ProxyControlPlane;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Applies the kept routes, then every change; gives what resolves when that has ended. */
export async function followRoutes(
  proxy: Pick<Proxy, "applyChanges">,
  { config, controlPlane, log, signal }: FollowOptions,
): Promise<{ readonly done: Promise<void> }> {
  return await startFeedClient({
    topic: "routes",
    open: controlPlane.openRoutes,
    statePath: join(config.folder, "routes.state"),
    schema: Route,
    applyChanges: ({ isWhole, set, removed }, revision) =>
      proxy.applyChanges({ isWhole, set: [...set.values()], removed }, revision),
    log,
    signal,
  });
}

/** Applies the kept rules of the firewall, then every change; gives what resolves when that has ended. */
export async function followFirewall(
  firewall: Pick<LocalFirewall, "setRules">,
  { config, controlPlane, log, signal, followed }: FollowOptions & { readonly followed: (revision: number) => void },
): Promise<{ readonly done: Promise<void> }> {
  return await startFeedClient({
    topic: "firewall",
    open: controlPlane.openFirewall,
    statePath: join(config.folder, "firewall.state"),
    schema: FirewallRules,
    apply({ entries, revision }) {
      firewall.setRules(entries.get("rules") ?? openFirewall);
      followed(revision);
      log.info("firewall applied", { revision });
    },
    log,
    signal,
  });
}
