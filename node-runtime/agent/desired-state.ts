import { LogRequest } from "#shared/contract/mcp.ts";
import { DesiredService } from "#shared/contract/state.ts";
import type { FeedState } from "#shared/feed/feed-client.ts";
import type { Log } from "#shared/log/log.ts";
import type { DesiredState } from "./desired-holder.ts";

/** What a revision of the node's feed asks for. */
export interface NodeFeed {
  /** For the agent. */
  readonly desired: DesiredState;
  /** For the log relay. */
  readonly logRequests: readonly LogRequest[];
}

/**
 * Reads the entries of topic `node/<name>`: `service/<service>` and `logs/<requestId>`. A service that this agent cannot read, as
 * it may be after half an upgrade, is frozen: it is not the same as a service that nobody wants.
 */
export function readNodeFeed(state: FeedState<unknown>, log: Log): NodeFeed {
  const services: DesiredService[] = [];
  const frozen: string[] = [];
  const logRequests: LogRequest[] = [];
  for (const [key, value] of state.entries) {
    const slash = key.indexOf("/");
    const kind = key.slice(0, slash);
    if (kind === "service") {
      const parsed = DesiredService.safeParse(value);
      if (parsed.success) services.push(parsed.data);
      else {
        frozen.push(key.slice(slash + 1));
        log.error("a desired service cannot be read: its containers are left as they are", {
          key,
          error: parsed.error,
        });
      }
    } else if (kind === "logs") {
      const parsed = LogRequest.safeParse(value);
      if (parsed.success) logRequests.push(parsed.data);
    }
  }
  return { desired: { revision: state.revision, services, frozen }, logRequests };
}
