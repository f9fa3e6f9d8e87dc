import { parseAddress } from "./firewall/address.ts";
import type { ProxyLimits } from "./limits.ts";

/** Which cap a connection would exceed. */
export type CapName = "connections" | "connections_per_address" | "handshakes";

/** A place among the open connections. */
export interface Place {
  /** Says that the connection has found its route, and its TLS handshake is done if the proxy does it. */
  settle(): void;
  /** Gives the place back. Calling it again does nothing. */
  leave(): void;
}

/** Counts open connections against the caps (LIM7). */
export interface ConnectionCaps {
  /** A place for a connection of `address`, or the cap that is reached. */
  enter(address: string): Place | CapName;
  /** Open connections now. */
  open(): number;
  /** Connections that have not settled. */
  unsettled(): number;
}

/** Caps with nothing open. A client is an IPv4 address or an IPv6 /64, within which anyone can pick addresses. */
export function createConnectionCaps(
  limits: Pick<ProxyLimits, "connections" | "connectionsPerAddress" | "handshakes">,
): ConnectionCaps {
  const perClient = new Map<string, number>();
  let open = 0;
  let unsettled = 0;

  function findCap(client: string): CapName | undefined {
    if (open >= limits.connections) return "connections";
    if (unsettled >= limits.handshakes) return "handshakes";
    return (perClient.get(client) ?? 0) >= limits.connectionsPerAddress ? "connections_per_address" : undefined;
  }

  return {
    enter(address) {
      const client = toClient(address);
      const cap = findCap(client);
      if (cap !== undefined) return cap;
      open += 1;
      unsettled += 1;
      perClient.set(client, (perClient.get(client) ?? 0) + 1);
      let [isSettled, isLeft] = [false, false];
      const settle = () => {
        if (!isSettled) unsettled -= 1;
        isSettled = true;
      };
      return {
        settle,
        leave() {
          if (isLeft) return;
          isLeft = true;
          settle();
          open -= 1;
          const count = (perClient.get(client) ?? 1) - 1;
          if (count === 0) perClient.delete(client);
          else perClient.set(client, count);
        },
      };
    },
    open: () => open,
    unsettled: () => unsettled,
  };
}

function toClient(address: string): string {
  if (!address.includes(":")) return address;
  const parsed = parseAddress(address);
  return parsed?.version === 6 ? parsed.hextets.slice(0, 4).join(":") : address;
}
