import { ZoneState } from "#shared/contract/state.ts";
import { type FeedClient, type FeedState, startFeedClient } from "#shared/feed/feed-client.ts";
import type { Log } from "#shared/log/log.ts";
import { compileZone } from "./zones/compile-zone.ts";
import type { Zone, ZoneSet } from "./zones/zone.ts";
import type { ZoneTable } from "./zones/zone-table.ts";

/** What {@link followZones} needs. */
export interface FollowZonesOptions {
  readonly zones: ZoneTable;
  /** Opens the stream of frames after a revision. */
  readonly open: (since: number, signal: AbortSignal) => Promise<Response>;
  readonly statePath: string;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Serves the kept zones, then every change of the feed topic `zones`, until `signal` aborts. */
export function followZones(options: FollowZonesOptions): Promise<FeedClient<ZoneState>> {
  return startFeedClient({
    topic: "zones",
    open: options.open,
    statePath: options.statePath,
    schema: ZoneState,
    apply(state) {
      options.zones.replace(compileZones(state, options.log));
      options.log.info("zones applied", { revision: state.revision, zones: state.entries.size });
    },
    log: options.log,
    signal: options.signal,
  });
}

/** All zones of a state ready to serve; one that cannot be used is logged and left out. */
export function compileZones(state: FeedState<ZoneState>, log: Log): ZoneSet {
  const zones = new Map<string, Zone>();
  for (const [name, zoneState] of state.entries) {
    try {
      const { zone, problems } = compileZone(zoneState);
      zones.set(zone.key, zone);
      if (problems.length > 0) {
        log.warn("records cannot be served", { zone: name, count: problems.length, first: problems[0] });
      }
    } catch (error) {
      log.error("a zone cannot be served", { zone: name, error });
    }
  }
  return zones;
}
