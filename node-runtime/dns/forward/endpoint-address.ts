import { isIP } from "node:net";
import { PlatformError } from "#shared/errors/platform-error.ts";

/** An IP address and a port. */
export interface EndpointAddress {
  readonly address: string;
  readonly port: number;
}

/**
 * The endpoint written as `192.0.2.1:53`, `[2001:db8::1]:53` or an address alone.
 *
 * @throws {PlatformError} invalid-config — when it is none of these
 */
export function parseEndpointAddress(text: string, defaultPort = 53): EndpointAddress {
  const bracketed = /^\[([^\]]+)\](?::([0-9]{1,5}))?$/.exec(text);
  const plain = isIP(text) !== 0 ? [text, text] : /^([0-9.]+):([0-9]{1,5})$/.exec(text);
  const [, address = "", port] = bracketed ?? plain ?? [];
  const number = port === undefined ? defaultPort : Number(port);
  if (isIP(address) === 0 || number > 65_535) {
    throw new PlatformError(
      "invalid-config",
      `Cannot use "${text}" as an address, expected 192.0.2.1:53 or [2001:db8::1]:53`,
    );
  }
  return { address, port: number };
}

/** The endpoint as text, with brackets around an IPv6 address. */
export function endpointToText({ address, port }: EndpointAddress): string {
  return isIP(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The name servers of a resolv.conf, at port 53, without those that `isOurs` names: asking ourselves would loop. */
export function parseResolvConf(text: string, isOurs: (endpoint: EndpointAddress) => boolean): EndpointAddress[] {
  return text.split("\n").flatMap((line) => {
    const address = /^\s*nameserver\s+([0-9a-fA-F:.]+)\s*$/.exec(line)?.[1];
    if (address === undefined || isIP(address) === 0) return [];
    const endpoint = { address, port: 53 };
    return isOurs(endpoint) ? [] : [endpoint];
  });
}
