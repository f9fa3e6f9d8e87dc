/**
 * The network that logins from an address are counted for: an IPv4 address itself, the /64 of an IPv6 address (one customer has
 * that many addresses to try from), or `undefined` when the address is not known.
 */
export function clientNetwork(address: string): string | undefined {
  const plain = address.toLowerCase().replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/, "").replace(/%.*$/, "");
  if (plain === "" || plain.length > 64) return undefined;
  if (!plain.includes(":")) return plain;
  const [head = "", tail] = plain.split("::");
  const headGroups = groupsOf(head);
  const tailGroups = groupsOf(tail ?? "");
  const zeros = tail === undefined
    ? []
    : Array.from({ length: Math.max(0, 8 - headGroups.length - tailGroups.length) }, () => "0");
  return `${[...headGroups, ...zeros, ...tailGroups].slice(0, 4).join(":")}::/64`;
}

function groupsOf(text: string): string[] {
  return text === "" ? [] : text.split(":").map((group) => group.replace(/^0+(?=.)/, ""));
}
