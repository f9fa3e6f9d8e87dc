const half = 0x8000_0000;
const modulus = 0x1_0000_0000;

/** Says whether serial `a` is newer than `b` in the arithmetic of RFC 1982 §3.2, where numbers wrap at 2^32. */
export function isNewerSerial(a: number, b: number): boolean {
  const distance = (a - b + modulus) % modulus;
  return distance > 0 && distance < half;
}

/**
 * The serial after `serial`: the time in seconds while that is newer, so that an operator can read it, else one more.
 * 0 is left out, as some secondaries take it for "no serial".
 */
export function nextSerial(serial: number | undefined, now: Date): number {
  const seconds = Math.floor(now.getTime() / 1000) % modulus;
  if (serial === undefined || isNewerSerial(seconds, serial)) return seconds === 0 ? 1 : seconds;
  return (serial + 1) % modulus === 0 ? 1 : serial + 1;
}
