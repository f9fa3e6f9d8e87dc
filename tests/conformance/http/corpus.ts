import { backendCases } from "./cases/backends.ts";
import { chunkCases } from "./cases/chunks.ts";
import { connectionCases } from "./cases/connections.ts";
import { expectationCases } from "./cases/expectations.ts";
import { forwardingCases } from "./cases/forwarding.ts";
import { framingCases } from "./cases/framing.ts";
import { hostCases } from "./cases/host.ts";
import { lineCases } from "./cases/lines.ts";
import { targetCases } from "./cases/targets.ts";
import { trailerCases } from "./cases/trailers.ts";
import { upgradeCases } from "./cases/upgrades.ts";
import type { ConformanceCase } from "./conformance-case.ts";

/** All cases, by group. */
export const corpus: Readonly<Record<string, readonly ConformanceCase[]>> = {
  framing: framingCases,
  lines: lineCases,
  host: hostCases,
  targets: targetCases,
  forwarding: forwardingCases,
  chunks: chunkCases,
  trailers: trailerCases,
  connections: connectionCases,
  upgrades: upgradeCases,
  expectations: expectationCases,
  backends: backendCases,
};
