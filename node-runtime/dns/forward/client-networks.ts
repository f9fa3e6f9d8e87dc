import { BlockList, isIP } from "node:net";
import { PlatformError } from "#shared/errors/platform-error.ts";

/** Loopback, private and link-local networks (RFC 1122, 1918, 3927, 4193, 4291, 6598): who may use the forwarder by default. */
export const defaultClientNetworks = [
  "127.0.0.0/8",
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "169.254.0.0/16",
  "100.64.0.0/10",
  "::1/128",
  "fc00::/7",
  "fe80::/10",
] as const;

/** Says whether an address is in one of the networks. */
export type AddressCheck = (address: string) => boolean;

/** Most addresses whose verdict is remembered. */
const maxRemembered = 4096;

/**
 * A check against networks written as `address/prefix`.
 *
 * @throws {PlatformError} invalid-config — when one is not a network
 */
export function createAddressCheck(networks: readonly string[]): AddressCheck {
  const list = new BlockList();
  for (const network of networks) addNetwork(list, network);
  const verdicts = new Map<string, boolean>();
  return (address) => {
    const known = verdicts.get(address);
    if (known !== undefined) return known;
    if (verdicts.size >= maxRemembered) verdicts.clear();
    const plain = toPlainAddress(address);
    const family = isIP(plain);
    const verdict = family !== 0 && list.check(plain, family === 4 ? "ipv4" : "ipv6");
    verdicts.set(address, verdict);
    return verdict;
  };
}

/** The address without its scope and without the IPv6 form of an IPv4 address. */
export function toPlainAddress(address: string): string {
  const unscoped = address.split("%")[0] ?? address;
  return /^::ffff:([0-9.]+)$/i.exec(unscoped)?.[1] ?? unscoped;
}

function addNetwork(list: BlockList, network: string): void {
  const [address = "", prefix = ""] = network.split("/");
  const family = isIP(address);
  const isPrefix = /^[0-9]{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128);
  if (family === 0 || !isPrefix) {
    throw new PlatformError(
      "invalid-config",
      `Cannot allow the clients "${network}", expected a network such as 10.0.0.0/8`,
    );
  }
  list.addSubnet(address, Number(prefix), family === 4 ? "ipv4" : "ipv6");
}
