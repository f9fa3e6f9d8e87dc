import type { IncomingMessage } from "node:http";
import type { Route } from "#shared/contract/route.ts";
import type { Log } from "#shared/log/log.ts";
import type { InstanceLoad } from "../instance-load.ts";
import type { ProxyLimits } from "../limits.ts";
import type { ProxyMetrics } from "../metrics.ts";
import type { BackendPools } from "./backend-pools.ts";

/** What the L7 side of the proxy needs from the rest. */
export interface L7Dependencies {
  /** The L7 route of a host name at this moment. */
  readonly findRoute: (listenerPort: number, hostname: string) => Route | undefined;
  /** Picks instances and counts requests. */
  readonly load: InstanceLoad;
  /** Keep-alive connections to backends. */
  readonly pools: BackendPools;
  /** Time limits. */
  readonly limits: ProxyLimits;
  /** Counts answered requests. */
  readonly metrics: ProxyMetrics;
  /** Receives one line for each request. */
  readonly log: Log;
  /** A new request id. */
  readonly newId: () => string;
}

/** One request that passed the checks, and where it came from. */
export interface Exchange {
  /** The client's request. */
  readonly request: IncomingMessage;
  /** Name that TLS was opened for. */
  readonly hostname: string;
  /** Port of the listener. */
  readonly port: number;
  /** Host to forward. */
  readonly host: string;
  /** Path and query to forward, as sent. */
  readonly path: string;
  /** Whether a body follows the head. */
  readonly hasBody: boolean;
  /** Verified address of the client. */
  readonly clientAddress: string;
  /** Id in logs and towards the backend. */
  readonly requestId: string;
  /** Whether the client waits for 100 (Continue) before it sends the body. */
  readonly expectsContinue: boolean;
}
