import { type ConformanceCase, forwarded, head, smuggled } from "../conformance-case.ts";

const chunked = head("POST / HTTP/1.1", "Transfer-Encoding: chunked");
const end = "0\r\n\r\n";

function malformed(rule: string, name: string, body: string): ConformanceCase {
  return {
    rule,
    name,
    bytes: chunked + body + smuggled,
    answers: [400],
    closes: true,
    begins: true,
    hides: ["GET /smuggled"],
  };
}

const badChunks: Readonly<Record<string, string>> = {
  "a plus": `+5\r\nhello\r\n${end}`,
  "a minus": `-5\r\nhello\r\n${end}`,
  "0x": `0x5\r\nhello\r\n${end}`,
  "a space before": ` 5\r\nhello\r\n${end}`,
  "a space behind": `5 \r\nhello\r\n${end}`,
  "a tab behind": `5\t\r\nhello\r\n${end}`,
  "a space before the extension": `5 ;x\r\nhello\r\n${end}`,
  "17 digits": `00000000000000005\r\nhello\r\n${end}`,
  "2^64": `10000000000000000\r\nhello\r\n${end}`,
  "2^64 - 1": `ffffffffffffffff\r\nhello\r\n${end}`,
  "an underscore": `0_5\r\nhello\r\n${end}`,
  "a letter": `g\r\nhello\r\n${end}`,
  "nothing": `\r\nhello\r\n${end}`,
  "an extension alone": `;x\r\nhello\r\n${end}`,
  "LF alone": `5\nhello\r\n${end}`,
  "CR alone": `5\rhello\r\n${end}`,
  "CR CR LF": `5\r\r\nhello\r\n${end}`,
  "an extension that ends in LF alone": `5;x\nhello\r\n${end}`,
  "an extension with a bare CR": `5;x\ry\r\nhello\r\n${end}`,
  "an extension with NUL": `5;x\0\r\nhello\r\n${end}`,
};

/** Chunked bodies (RFC 9112 §7.1). */
export const chunkCases: readonly ConformanceCase[] = [
  forwarded(
    "S6",
    "sizes in either case, with zeros and extensions",
    `${chunked}005;a=b\r\nhello\r\nA;c="d e"\r\n0123456789\r\n000\r\n\r\n`,
    {
      sees: ["hello", "0123456789", "\r\n0\r\n\r\n"],
      hides: ["a=b", "c=", "\r\n005"],
    },
  ),
  forwarded("S6", "a body of no bytes", chunked + end, { sees: ["\r\n\r\n0\r\n\r\n"] }),
  forwarded("S6", "4 KiB of extensions", `${chunked}1;${"x".repeat(4000)}\r\ny\r\n${end}`, { hides: ["xxx"] }),
  malformed("S6", "more than 4 KiB of extensions", `1;${"x".repeat(4097)}\r\ny\r\n${end}`),
  malformed("S6", "more than 4 KiB of extensions in all", `${`1;${"x".repeat(1000)}\r\ny\r\n`.repeat(5)}${end}`),
  ...Object.entries(badChunks).map(([what, body]) => malformed("S6", `a size with ${what}`, body)),
  malformed("S6", "data longer than its size", `5\r\nhello!\r\n${end}`),
  malformed("S6", "data shorter than its size", `7\r\nhello\r\n${end}`),
  malformed("S6", "data that ends in LF alone", `5\r\nhello\n${end}`),
  malformed("S6", "data that ends in CR alone", `5\r\nhello\r${end}`),
  malformed("S6", "data that ends in any two bytes", `5\r\nhelloXX${end}`),
  malformed("S6", "a last chunk that ends in LF alone", "5\r\nhello\r\n0\n\r\n"),
  malformed("S6", "an end in LF alone", "5\r\nhello\r\n0\r\n\n"),
];
