/** Numbers of the record types that this server treats in its own way (RFC 6895 §3.1, IANA DNS parameters). */
export const recordTypes = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  RP: 17,
  AFSDB: 18,
  AAAA: 28,
  SRV: 33,
  DNAME: 39,
  OPT: 41,
  DS: 43,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  NSEC3: 50,
  HTTPS: 65,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
} as const;

const typeNames = new Map<number, string>(Object.entries(recordTypes).map(([name, type]) => [type, name]));

/** The mnemonic of a type, or `TYPEnnn` for one without (RFC 3597 §5). */
export function typeToText(type: number): string {
  return typeNames.get(type) ?? `TYPE${type}`;
}

/** The number of a type written as a mnemonic or `TYPEnnn` in any case, or `undefined`. */
export function findType(text: string): number | undefined {
  const upper = text.toUpperCase();
  for (const [type, name] of typeNames) if (name === upper) return type;
  const number = Number(/^TYPE([0-9]{1,5})$/.exec(upper)?.[1] ?? NaN);
  return number <= 0xffff ? number : undefined;
}

/** Response codes (RFC 6895 §2.3); BADVERS needs the extended bits of an OPT record. */
export const rcodes = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5, BADVERS: 16 } as const;

const rcodeNames = new Map<number, string>(Object.entries(rcodes).map(([name, rcode]) => [rcode, name]));

/** The mnemonic of a response code, or its number. */
export function rcodeToText(rcode: number): string {
  return rcodeNames.get(rcode) ?? String(rcode);
}

/** Operation codes (RFC 6895 §2.2). */
export const opcodes = { QUERY: 0, NOTIFY: 4, UPDATE: 5 } as const;

/** Bits of the second header word (RFC 1035 §4.1.1, RFC 4035 §3.2). */
export const flags = { QR: 0x8000, AA: 0x0400, TC: 0x0200, RD: 0x0100, RA: 0x0080, AD: 0x0020, CD: 0x0010 } as const;

/** The Internet class. */
export const classIn = 1;

/** Extended DNS error codes (RFC 8914 §4). */
export const extendedErrors = { other: 0, prohibited: 18, notAuthoritative: 20, noReachableAuthority: 22 } as const;

/** Largest reply over UDP, also what we advertise (DNS flag day 2020; RFC 9715). */
export const maxUdpBytes = 1232;

/** Bytes of a message header. */
export const headerBytes = 12;
