import { type Address, formatAddress, parseAddress } from "../firewall/address.ts";
import type { BlockSet } from "../firewall/block-set.ts";
import type { BelievedClient } from "../l7/context.ts";
import type { ClientOrigin } from "../l7/streams.ts";

/**
 * The client behind the peer of a connection (H3). Without `trustedProxies`, or when the peer is none of them, that is the peer. Else
 * the `X-Forwarded-For` that it sent is read from the right: each trusted address vouches for the one before it, the first that is not
 * trusted is the client, and what stands left of that is dropped. An entry that is no address ends the reading.
 */
export function clientAddressOf(
  origin: Pick<ClientOrigin, "clientAddress">,
  claimedFor: string,
  trustedProxies: BlockSet<true> | undefined,
): BelievedClient {
  const peer = parseAddress(origin.clientAddress);
  const peerText = peer === undefined ? origin.clientAddress : formatAddress(peer);
  if (trustedProxies === undefined || peer === undefined) return { clientAddress: peerText, forwardedFor: peerText };
  const chain = [peerText];
  let nearest: Address | undefined = peer;
  let end = claimedFor.length;
  while (nearest !== undefined && trustedProxies.find(nearest) === true && end > 0) {
    const comma = claimedFor.lastIndexOf(",", end - 1);
    nearest = parseEntry(claimedFor.slice(comma + 1, end));
    if (nearest !== undefined) chain.unshift(formatAddress(nearest));
    end = comma;
  }
  return { clientAddress: chain[0] ?? peerText, forwardedFor: chain.join(", ") };
}

/** An address, perhaps with a port as some proxies add it: `192.0.2.1:80`, `[2001:db8::1]:80`. */
function parseEntry(text: string): Address | undefined {
  const entry = text.trim();
  const bracketed = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(entry)?.[1];
  return parseAddress(bracketed ?? entry.replace(/^([\d.]+):\d{1,5}$/, "$1"));
}
