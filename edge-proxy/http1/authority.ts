const maxNameLength = 254;
const maxPort = 65_535;

/** Bytes of a host name or IPv4 address; `_` is not one of RFC 1123's, but names in use have it. */
const isNameByte = new Uint8Array(128);
/** Bytes between the brackets of an IPv6 address. */
const isAddressByte = new Uint8Array(128);
for (const char of "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") {
  isNameByte[char.charCodeAt(0)] = 1;
}
for (const char of "0123456789abcdefABCDEF:.") isAddressByte[char.charCodeAt(0)] = 1;

/** Whether `text` is `host` or `host:port` (RFC 9110 §7.2): no user information, list, blank, or empty port. */
export function isAuthority(text: string): boolean {
  const hostEnd = text.startsWith("[") ? findAddressEnd(text) : findRunEnd(text, 0, isNameByte);
  if (hostEnd <= 0 || hostEnd > maxNameLength) return false;
  return hostEnd === text.length || (text[hostEnd] === ":" && isPort(text, hostEnd + 1));
}

function findAddressEnd(text: string): number {
  const end = findRunEnd(text, 1, isAddressByte);
  return text[end] === "]" && end >= 3 && end <= 46 ? end + 1 : -1;
}

function findRunEnd(text: string, start: number, table: Uint8Array): number {
  let end = start;
  while (end < text.length && table[text.charCodeAt(end)] === 1) end += 1;
  return end;
}

function isPort(text: string, start: number): boolean {
  const digits = text.length - start;
  if (digits < 1 || digits > 5) return false;
  let port = 0;
  for (let index = start; index < text.length; index += 1) {
    const digit = text.charCodeAt(index) - 48;
    if (digit < 0 || digit > 9) return false;
    port = port * 10 + digit;
  }
  return port <= maxPort;
}
