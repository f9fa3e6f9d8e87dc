import { compareProxies } from "./lib/compare-proxies.ts";
import { runHttpLoad } from "./lib/h2load.ts";
import { measureLoad } from "./lib/measure-load.ts";
import type { BenchOptions } from "./lib/options.ts";
import type { BenchResult } from "./lib/result.ts";
import { scaleOf } from "./lib/scale.ts";

const metrics = { handshakesPerSecond: "higher", cpuUsPerHandshake: "lower", busyPercent: "information" } as const;

/** Share of HAProxy's handshakes that is asked for: what bounds Node is its own TLS layer, and Deno's is another one. */
const haproxyShare = { node: 0.65, deno: 0.9 };

/** New connections with a full TLS handshake and one empty answer each, 32 at a time, beside nginx, HAProxy and Caddy. */
export function measure(options: BenchOptions): Promise<BenchResult> {
  const { newConnections } = scaleOf(options);
  const load = { path: "/empty", connections: 32, amount: { requests: newConnections }, closes: true };
  return compareProxies({
    bench: "proxy-handshake",
    unit: "1/s and µs",
    mode: "l7",
    metrics,
    bars: [{ ratio: "haproxy.handshakesPerSecond", atLeast: haproxyShare[options.runtime] }],
    async runOnce({ port, server }) {
      const { rate, cpuUs, busyPercent } = await measureLoad(server, () => runHttpLoad({ ...load, port }));
      return { handshakesPerSecond: rate, cpuUsPerHandshake: cpuUs, busyPercent };
    },
    ceiling: async ({ httpPort: port }) => ({
      connectionsPerSecond: (await runHttpLoad({ ...load, port, isPlain: true })).unitsPerSecond,
    }),
  }, options);
}
