import type { Environment } from "#shared/mcdsl/config.ts";

/** First descriptor that systemd hands over. */
const firstFd = 3;

/** A listening socket that whoever started the process holds open. */
export interface InheritedSocket {
  readonly fd: number;
  /** Its name; `http` is that of plain HTTP. */
  readonly name: string;
}

/**
 * The listening sockets that systemd, or whoever does as it does, hands to the process `pid` (sd_listen_fds_with_names(3)); none when
 * they are meant for another one.
 */
export function inheritedSockets(env: Environment, pid: number): InheritedSocket[] {
  const count = Number(env["LISTEN_FDS"] ?? "0");
  if (env["LISTEN_PID"] !== String(pid) || !Number.isInteger(count) || count < 1 || count > 1_024) return [];
  const names = (env["LISTEN_FDNAMES"] ?? "").split(":");
  return Array.from({ length: count }, (_, index) => ({ fd: firstFd + index, name: names[index] ?? "" }));
}
