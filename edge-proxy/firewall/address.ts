/** An IP address as numbers. IPv4-mapped IPv6 addresses (RFC 4291 §2.5.5.2) are IPv4: both names mean the same host. */
export type Address =
  | { readonly version: 4; readonly value: number }
  | { readonly version: 6; readonly hextets: readonly number[] };

/** The address that `text` names, strictly written; a zone (`%eth0`) is left out. `undefined` when it names none. */
export function parseAddress(text: string): Address | undefined {
  // The firewall, the limits and the policies ask about the same client in turn.
  if (text !== lastText) {
    lastAddress = parse(text);
    lastText = text;
  }
  return lastAddress;
}

let lastText = "";
let lastAddress: Address | undefined;

function parse(text: string): Address | undefined {
  if (!text.includes(":")) {
    const value = parseIPv4(text, 0);
    return value === undefined ? undefined : { version: 4, value };
  }
  const hextets = parseIPv6(text);
  return hextets === undefined ? undefined : addressFromHextets(hextets);
}

/** `address` in its canonical text (RFC 5952). */
export function formatAddress(address: Address): string {
  if (address.version === 6) return formatIPv6(address.hextets);
  const { value } = address;
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}

/** The canonical text of the address that `text` names, IPv4 for an IPv4-mapped one; `undefined` when it names none. */
export function normalizeAddress(text: string): string | undefined {
  const address = parseAddress(text);
  return address === undefined ? undefined : formatAddress(address);
}

/** The address in 8 numbers of 16 bits. */
export function addressFromHextets(hextets: readonly number[]): Address {
  if (!isMapped(hextets)) return { version: 6, hextets };
  return { version: 4, value: (((hextets[6] ?? 0) << 16) | (hextets[7] ?? 0)) >>> 0 };
}

/** `address` in 8 numbers of 16 bits; IPv4 as mapped into IPv6. */
export function hextetsOf(address: Address): readonly number[] {
  if (address.version === 6) return address.hextets;
  return [0, 0, 0, 0, 0, 0xffff, address.value >>> 16, address.value & 0xffff];
}

function isMapped(hextets: readonly number[]): boolean {
  for (let index = 0; index < 5; index++) if (hextets[index] !== 0) return false;
  return hextets[5] === 0xffff;
}

/** Four decimal numbers without leading zeros from `start` to the end of `text` (RFC 6943 §3.1.1: no octal, no short forms). */
function parseIPv4(text: string, start: number): number | undefined {
  let value = 0;
  let part = 0;
  let digits = 0;
  let dots = 0;
  for (let index = start; index < text.length; index++) {
    const digit = text.charCodeAt(index) - 48;
    if (digit >= 0 && digit <= 9) {
      if (digits > 0 && part === 0) return undefined;
      part = part * 10 + digit;
      if (part > 255) return undefined;
      digits++;
    } else {
      if (digit !== -2 || digits === 0 || ++dots > 3) return undefined;
      value = value * 256 + part;
      part = 0;
      digits = 0;
    }
  }
  return dots === 3 && digits > 0 ? value * 256 + part : undefined;
}

/** Up to eight groups of hex digits with at most one `::`, the last two perhaps as IPv4 (RFC 4291 §2.2). */
function parseIPv6(written: string): readonly number[] | undefined {
  const zone = written.indexOf("%");
  if (zone === 0 || zone === written.length - 1) return undefined;
  const text = zone < 0 ? written : written.slice(0, zone);
  const gap = text.indexOf("::");
  if (gap >= 0) return joinHalves(text.slice(0, gap), text.slice(gap + 2));
  const hextets = parseGroups(text, true);
  return hextets?.length === 8 ? hextets : undefined;
}

function joinHalves(before: string, after: string): readonly number[] | undefined {
  const head = parseGroups(before, false);
  const tail = parseGroups(after, true);
  if (head === undefined || tail === undefined || head.length + tail.length > 7) return undefined;
  return [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => 0), ...tail];
}

function parseGroups(text: string, mayEndInIPv4: boolean): number[] | undefined {
  if (text === "") return [];
  const groups = text.split(":");
  const hextets: number[] = [];
  for (const [index, group] of groups.entries()) {
    if (mayEndInIPv4 && index === groups.length - 1 && group.includes(".")) {
      const value = parseIPv4(group, 0);
      if (value === undefined) return undefined;
      hextets.push(value >>> 16, value & 0xffff);
    } else {
      const hextet = parseHextet(group);
      if (hextet === undefined) return undefined;
      hextets.push(hextet);
    }
  }
  return hextets;
}

function parseHextet(text: string): number | undefined {
  if (text.length === 0 || text.length > 4) return undefined;
  let value = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    const lower = code | 0x20;
    if (code >= 48 && code <= 57) value = value * 16 + code - 48;
    else if (lower >= 97 && lower <= 102) value = value * 16 + lower - 87;
    else return undefined;
  }
  return value;
}

/** The longest run of two or more zero groups becomes `::`, the first of equal ones (RFC 5952 §4.2). */
function formatIPv6(hextets: readonly number[]): string {
  let bestStart = -1;
  let bestLength = 1;
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && hextets[start + length] === 0) length++;
    if (length > bestLength) {
      bestStart = start;
      bestLength = length;
    }
  }
  const hex = hextets.map((hextet) => hextet.toString(16));
  if (bestStart < 0) return hex.join(":");
  return `${hex.slice(0, bestStart).join(":")}::${hex.slice(bestStart + bestLength).join(":")}`;
}
