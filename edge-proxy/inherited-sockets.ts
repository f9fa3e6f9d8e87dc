import type { Environment } from "#shared/mcdsl/config.ts";

/** First descriptor that systemd hands over. */
const firstFd = 3;

/**
 * Descriptors of the listening sockets that systemd, or whoever does as it does, hands to the process `pid` (sd_listen_fds(3)); none
 * when they are meant for another one.
 */
export function inheritedSockets(env: Environment, pid: number): number[] {
  const count = Number(env["LISTEN_FDS"] ?? "0");
  if (env["LISTEN_PID"] !== String(pid) || !Number.isInteger(count) || count < 1 || count > 1_024) return [];
  return Array.from({ length: count }, (_, index) => firstFd + index);
}
