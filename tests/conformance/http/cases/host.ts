import { bare, caseHost, type ConformanceCase, forwarded, head, refused } from "../conformance-case.ts";

const get = "GET / HTTP/1.1";

const badHosts: Readonly<Record<string, string>> = {
  "nothing": "",
  "a blank": "a.test b.test",
  "a list": "a.test,b.test",
  "user information": "u@a.test",
  "a path": "a.test/",
  "a query": "a.test?x",
  "a fragment": "a.test#x",
  "an empty port": "a.test:",
  "a port of letters": "a.test:x",
  "a port above 65535": "a.test:65536",
  "two ports": "a.test:443:443",
  "percent encoding": "a%2etest",
  "a letter above ASCII": "\xe4.test",
  "an open bracket": "[::1",
  "a bare IPv6 address": "::1",
  "a scheme": "https://a.test",
  "a backslash": "a.test\\",
  "quotes": '"a.test"',
};

/** Requests whose host two servers could read differently. */
export const hostCases: readonly ConformanceCase[] = [
  forwarded("H4", "a plain Host", bare(get, "Host: a.test"), { sees: ["\r\nHost: a.test\r\n"] }),
  forwarded("H4", "a Host in capitals", bare(get, "Host: A.TEST")),
  forwarded("H4", "a Host with the default port", bare(get, "Host: a.test:443")),
  forwarded("H4", "a Host with a trailing dot", bare(get, "Host: a.test.")),
  forwarded("H4", "a Host behind other fields", bare(get, "X: y", "hOsT:a.test"), { sees: ["\r\nHost: a.test\r\n"] }),
  refused("S8", "no Host", bare(get, "X: y")),
  refused("S8", "no field at all", bare(get)),
  refused("S8", "no Host in HTTP/1.0", bare("GET / HTTP/1.0")),
  refused("S8", "two equal Hosts", head(get, `Host: ${caseHost}`)),
  refused("S8", "two different Hosts", head(get, "host: b.test")),
  refused("S8", "a blank before the colon", bare(get, "Host : a.test")),
  refused("S8", "a second Host with a blank before the colon", head(get, "Host : b.test")),
  ...Object.entries(badHosts).map(([what, value]) => refused("S8", `a Host with ${what}`, bare(get, `Host: ${value}`))),
  forwarded("H4", "an absolute target overrides the Host", bare("GET https://a.test/x HTTP/1.1", "Host: b.test"), {
    sees: ["GET /x HTTP/1.1\r\nHost: a.test\r\n"],
    hides: ["b.test"],
  }),
  forwarded("H4", "an absolute target without a path", head("GET http://A.test?q HTTP/1.1"), {
    sees: ["GET /?q HTTP/1.1\r\n"],
  }),
  refused("H4", "an absolute target and no Host", bare("GET https://a.test/ HTTP/1.1")),
  refused("H4", "an absolute target and a malformed Host", bare("GET https://a.test/ HTTP/1.1", "Host: a b")),
  refused("H4", "an absolute target with user information", head("GET https://u@a.test/ HTTP/1.1")),
  refused("H4", "an absolute target without a host", head("GET https:///x HTTP/1.1")),
  refused("H4", "an absolute target of another scheme", head("GET ftp://a.test/ HTTP/1.1")),
  {
    rule: "H5",
    name: "a Host other than the name of the connection",
    bytes: bare(get, "Host: b.test"),
    answers: [421],
    closes: true,
    hides: ["b.test"],
  },
  {
    rule: "H5",
    name: "an absolute target for another name than that of the connection",
    bytes: head("GET https://b.test/ HTTP/1.1"),
    answers: [421],
    closes: true,
    hides: ["b.test"],
  },
  forwarded("H4", "a look-alike of Host is dropped", head(get, "X: y", "X_Forwarded_Host: b.test"), {
    hides: ["b.test"],
  }),
];
