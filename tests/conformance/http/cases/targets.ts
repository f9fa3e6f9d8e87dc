import { type ConformanceCase, forwarded, head, refused } from "../conformance-case.ts";

const badTargets: Readonly<Record<string, string>> = {
  "a fragment": "/x#y",
  "a tab": "/x\ty",
  "NUL": "/x\0",
  "DEL": "/x\x7f",
  "a vertical tab": "/x\x0b",
  "bytes above ASCII": "/\xc3\xa9",
  "no slash": "x",
  "a host and port": "a.test:443",
  "a query alone": "?x",
  "an asterisk for GET": "*",
};

/** Request targets (RFC 9112 §3.2). */
export const targetCases: readonly ConformanceCase[] = [
  ...[
    "/",
    "//",
    "//x//y",
    "/a/../b",
    "/./a",
    "/%2e%2e/a",
    "/%2F",
    "/%00",
    "/a;b=c",
    "/?",
    "/?a?b=c&d=%zz",
    "/a\\b",
    '/"<>^`{|}',
  ].map((
    path,
  ) =>
    forwarded("H14", `${path} is forwarded byte for byte`, head(`GET ${path} HTTP/1.1`), {
      sees: [`GET ${path} HTTP/1.1\r\n`],
    })
  ),
  ...Object.entries(badTargets).map(([what, target]) =>
    refused("H14", `a target with ${what}`, head(`GET ${target} HTTP/1.1`))
  ),
  forwarded("S8", "an asterisk for OPTIONS", head("OPTIONS * HTTP/1.1"), { sees: ["OPTIONS * HTTP/1.1\r\n"] }),
  forwarded(
    "S8",
    "an absolute target without a path for OPTIONS is an asterisk",
    head("OPTIONS https://a.test HTTP/1.1"),
    {
      sees: ["OPTIONS * HTTP/1.1\r\n"],
    },
  ),
  refused("S8", "an asterisk for POST", head("POST * HTTP/1.1")),
  refused("H6", "CONNECT", head("CONNECT a.test:443 HTTP/1.1"), 405),
  refused("H6", "CONNECT with a path", head("CONNECT / HTTP/1.1"), 405),
  refused("H6", "TRACE", head("TRACE / HTTP/1.1"), 405),
  forwarded("H6", "an unknown method", head("M-SEARCH / HTTP/1.1"), { sees: ["M-SEARCH / HTTP/1.1\r\n"] }),
];
