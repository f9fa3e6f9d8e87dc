import type { TestProxy } from "./open-test-proxy.ts";
import type { Target } from "./test-client.ts";

/** How a client reaches `hostname` through a test proxy. */
export function targetOf({ proxy, authority }: TestProxy, hostname = "a.test"): Target {
  return { port: proxy.port, rootPem: authority.rootPem, hostname };
}
