import { readFile } from "node:fs/promises";
import type { Log } from "#shared/log/log.ts";

/**
 * Warns when connections that wait at a listener with SO_REUSEPORT are reset as it closes: the kernel hands them to another listener of
 * the port only with `net.ipv4.tcp_migrate_req`. A socket that is inherited has no such problem.
 */
export async function checkMigration(log: Log, path = "/proc/sys/net/ipv4/tcp_migrate_req"): Promise<void> {
  const value = await readFile(path, "utf8").catch(() => undefined);
  if (value?.trim() === "1") return;
  log.warn("a listener that closes resets the connections that wait at it, set the sysctl net.ipv4.tcp_migrate_req=1", {
    is: value?.trim() ?? "unknown",
  });
}
