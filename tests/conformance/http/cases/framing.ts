import { type ConformanceCase, forwarded, head, refused, smuggled } from "../conformance-case.ts";

const post = "POST / HTTP/1.1";
const chunks = "5\r\nhello\r\n0\r\n\r\n";

function withLength(value: string): string {
  return head(post, `Content-Length: ${value}`) + "hello";
}

function withCoding(value: string): string {
  return head(post, `Transfer-Encoding: ${value}`) + chunks;
}

const badLengths: Readonly<Record<string, string>> = {
  "a list": "5, 6",
  "a list of the same": "5, 5",
  "a plus": "+5",
  "a minus": "-1",
  "a space behind": "5 ",
  "a tab behind": "5\t",
  "hexadecimal": "0x5",
  "2^64": "18446744073709551616",
  "2^64 and 5": "18446744073709551621",
  "nothing": "",
  "a decimal point": "5.0",
  "an exponent": "5e0",
  "a blank inside": "0 5",
  "a vertical tab": "\x0b5",
  "a letter": "5x",
};

const badCodings: Readonly<Record<string, string>> = {
  "another coding": "xchunked",
  "identity behind": "chunked, identity",
  "identity": "identity",
  "chunked twice in one field": "chunked, chunked",
  "an empty member": "chunked,",
  "a parameter": "chunked;q=1",
  "a tab before": "\tchunked",
  "a tab behind": "chunked\t",
  "a vertical tab before": "\x0bchunked",
  "a vertical tab behind": "chunked\x0b",
  "quotes": '"chunked"',
  "nothing": "",
  "a letter above ASCII": "chun\xebed",
};

/** Requests whose end two servers could see in different places. */
export const framingCases: readonly ConformanceCase[] = [
  forwarded("S2", "one Content-Length", withLength("5"), {
    sees: ["\r\nContent-Length: 5\r\n", "\r\n\r\nhello"],
    hides: ["Transfer-Encoding"],
  }),
  forwarded("S12", "leading zeros of a length are not passed on", withLength("0005"), {
    sees: ["\r\nContent-Length: 5\r\n"],
  }),
  forwarded("S3", "chunked in capitals", withCoding("CHUNKED"), {
    sees: ["\r\nTransfer-Encoding: chunked\r\n", "hello"],
    hides: ["CHUNKED", "Content-Length"],
  }),
  refused(
    "S1",
    "Content-Length before Transfer-Encoding",
    head(post, "Content-Length: 5", "Transfer-Encoding: chunked") + `0\r\n\r\n${smuggled}`,
  ),
  refused(
    "S1",
    "Transfer-Encoding before Content-Length",
    head(post, "Transfer-Encoding: chunked", "Content-Length: 30") + `0\r\n\r\n${smuggled}`,
  ),
  refused(
    "S1",
    "a length of 0 beside Transfer-Encoding",
    head(post, "Content-Length: 0", "Transfer-Encoding: chunked") + chunks,
  ),
  refused("S1", "an unknown coding beside a length", head(post, "Content-Length: 5", "Transfer-Encoding: x") + "hello"),
  refused(
    "S1",
    "a length named in Connection beside Transfer-Encoding",
    head(post, "Connection: Content-Length", "Content-Length: 5", "Transfer-Encoding: chunked") + chunks,
  ),
  refused("S2", "two different lengths", head(post, "Content-Length: 5", "Content-Length: 6") + "hello!"),
  refused("S2", "two equal lengths", head(post, "Content-Length: 5", "content-length: 5") + "hello"),
  ...Object.entries(badLengths).map(([what, value]) => refused("S2", `a length with ${what}`, withLength(value))),
  refused("S3", "gzip before chunked", withCoding("gzip, chunked"), 501),
  refused(
    "S3",
    "chunked in two fields",
    head(post, "Transfer-Encoding: chunked", "Transfer-Encoding: chunked") + chunks,
  ),
  refused(
    "S3",
    "chunked and identity in two fields",
    head(post, "Transfer-Encoding: chunked", "transfer-encoding: identity") + chunks,
  ),
  refused(
    "S3",
    "an unknown coding and chunked in two fields",
    head(post, "Transfer-Encoding: x", "Transfer-Encoding: chunked") + chunks,
  ),
  refused(
    "S3",
    "chunked in HTTP/1.0",
    head("POST / HTTP/1.0", "Transfer-Encoding: chunked", "Connection: keep-alive") + chunks,
  ),
  ...Object.entries(badCodings).map(([what, value]) => refused("S3", `a coding with ${what}`, withCoding(value))),
  forwarded(
    "S3",
    "look-alikes with `_` are dropped",
    head("GET / HTTP/1.1", "Transfer_Encoding: chunked", "Content_Length: 5"),
    {
      hides: ["Transfer_Encoding", "Content_Length"],
    },
  ),
];
