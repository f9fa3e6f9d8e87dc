import { type Address, hextetsOf, parseAddress } from "./address.ts";

/** Addresses and CIDR blocks of both families, each with a value. */
export interface BlockSet<V> {
  /** The value of the smallest block around `address`. */
  find(address: Address): V | undefined;
}

/**
 * A set of `blocks`, each an address or `<address>/<prefix length>`. One map for each prefix length in use, so the time of a look-up
 * does not grow with the number of blocks; `net.BlockList` is linear on Deno. Of equal blocks the first stays.
 *
 * @throws {RangeError} for what is no block.
 */
export function createBlockSet<V>(blocks: Iterable<readonly [block: string, value: V]>): BlockSet<V> {
  const v4 = new Map<number, Map<number, V>>();
  const v6 = new Map<number, Map<string, V>>();
  for (const [text, value] of blocks) {
    const { address, length } = parseBlock(text);
    if (address.version === 4) add(v4, { length, key: keyOf4(address.value, length), value });
    else add(v6, { length, key: keyOf6(textOf(address.hextets), address.hextets, length), value });
  }
  const levels4 = [...v4].sort(([a], [b]) => b - a);
  const levels6 = [...v6].sort(([a], [b]) => b - a);

  function find6(hextets: readonly number[]): V | undefined {
    const text = textOf(hextets);
    for (const [length, values] of levels6) {
      const value = values.get(keyOf6(text, hextets, length));
      if (value !== undefined) return value;
    }
    return undefined;
  }

  return {
    find(address) {
      if (address.version === 6) return levels6.length === 0 ? undefined : find6(address.hextets);
      for (const [length, values] of levels4) {
        const value = values.get(keyOf4(address.value, length));
        if (value !== undefined) return value;
      }
      return undefined;
    },
  };
}

/** A test for addresses in one of `blocks`; what is no address is in none. */
export function createBlockTest(blocks: Iterable<string>): (address: string) => boolean {
  const set = createBlockSet([...blocks].map((block) => [block, true] as const));
  return (text) => {
    const address = parseAddress(text);
    return address !== undefined && set.find(address) === true;
  };
}

function add<K, V>(levels: Map<number, Map<K, V>>, entry: { length: number; key: K; value: V }): void {
  let values = levels.get(entry.length);
  if (values === undefined) levels.set(entry.length, values = new Map());
  if (!values.has(entry.key)) values.set(entry.key, entry.value);
}

function parseBlock(text: string): { address: Address; length: number } {
  const slash = text.indexOf("/");
  const name = slash < 0 ? text : text.slice(0, slash);
  const bits = name.includes(":") ? 128 : 32;
  const length = slash < 0 ? bits : toLength(text.slice(slash + 1));
  const address = parseAddress(name);
  if (address === undefined || length === undefined || length > bits) {
    throw new RangeError(`Cannot use block "${text}": it is neither an address nor a CIDR block`);
  }
  if (address.version === 6 || bits === 32) return { address, length };
  // Around ::ffff:0:0/96 lies more than IPv4: such a block stays one of IPv6.
  return length >= 96
    ? { address, length: length - 96 }
    : { address: { version: 6, hextets: hextetsOf(address) }, length };
}

function toLength(digits: string): number | undefined {
  return /^\d{1,3}$/.test(digits) ? Number(digits) : undefined;
}

function keyOf4(value: number, length: number): number {
  return length === 0 ? 0 : value >>> (32 - length);
}

function textOf(hextets: readonly number[]): string {
  return String.fromCharCode(...hextets);
}

function keyOf6(text: string, hextets: readonly number[], length: number): string {
  const whole = length >>> 4;
  const rest = length & 15;
  const key = text.slice(0, whole);
  return rest === 0 ? key : key + String.fromCharCode((hextets[whole] ?? 0) >>> (16 - rest));
}
