const maxLengthDigits = 15;

/** The number that a Content-Length says, or -1 unless it is 1 to 15 digits: no sign, list, blank or hexadecimal (RFC 9110 §8.6). */
export function toContentLength(value: string): number {
  if (value.length === 0 || value.length > maxLengthDigits) return -1;
  let length = 0;
  for (let index = 0; index < value.length; index += 1) {
    const digit = value.charCodeAt(index) - 48;
    if (digit < 0 || digit > 9) return -1;
    length = length * 10 + digit;
  }
  return length;
}

/** Whether a Transfer-Encoding is the one coding that frames a body (RFC 9112 §7.1). */
export function isChunkedCoding(value: string): boolean {
  return value.length === 7 && value.toLowerCase() === "chunked";
}

/** Whether a Transfer-Encoding ends in `chunked` behind codings that we do not know: well framed, but not for us (RFC 9112 §6.1). */
export function isUnknownCoding(value: string): boolean {
  const codings = value.toLowerCase().split(",").map((coding) => coding.trim());
  return codings.length > 1 && codings.indexOf("chunked") === codings.length - 1 && !codings.includes("");
}

/** The tokens of a list, in lower case (RFC 9110 §5.6.1). */
export function toTokens(value: string): string[] {
  return value.toLowerCase().split(",").map((token) => token.trim()).filter((token) => token !== "");
}
