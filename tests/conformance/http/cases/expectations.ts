import { bare, type ConformanceCase, forwarded, head, refused } from "../conformance-case.ts";

const post = "POST / HTTP/1.1";
const ok = bare("HTTP/1.1 200 OK", "Content-Length: 0");

/** Expect and interim answers (RFC 9110 §10.1.1, §15.2). */
export const expectationCases: readonly ConformanceCase[] = [
  {
    rule: "H8",
    name: "100-continue goes to the backend, whose 100 comes back",
    bytes: head(post, "Expect: 100-Continue", "Content-Length: 5") + "hello",
    backend: `HTTP/1.1 100 Continue\r\n\r\n${ok}`,
    answers: [100, 200],
    sees: ["\r\nExpect: 100-continue\r\n", "\r\n\r\nhello"],
  },
  {
    rule: "H8",
    name: "after a second without an answer the body goes on, and no 100 is made up",
    bytes: head(post, "Expect: 100-continue", "Content-Length: 5") + "hello",
    answers: [200],
    sees: ["\r\n\r\nhello"],
  },
  forwarded("H8", "100-continue without a body is not passed on", head("GET / HTTP/1.1", "Expect: 100-continue"), {
    hides: ["Expect"],
  }),
  {
    rule: "H8",
    name: "100-continue in HTTP/1.0 is ignored",
    bytes: head("POST / HTTP/1.0", "Expect: 100-continue", "Content-Length: 5") + "hello",
    answers: [200],
    closes: true,
    hides: ["Expect"],
  },
  refused("H8", "another expectation", head(post, "Expect: 200-ok", "Content-Length: 0"), 417),
  refused("H8", "a list of expectations", head(post, "Expect: 100-continue, x", "Content-Length: 0"), 417),
  refused("H8", "an empty expectation", head(post, "Expect:", "Content-Length: 0"), 417),
  {
    rule: "H7",
    name: "102 and 103 are forwarded",
    bytes: head("GET / HTTP/1.1"),
    backend: `HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${ok}`,
    answers: [102, 103, 200],
    gives: ["\r\nLink: </a>\r\n"],
  },
  {
    rule: "H7",
    name: "HTTP/1.0 gets no interim answer",
    bytes: head("GET / HTTP/1.0"),
    backend: `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${ok}`,
    answers: [200],
    closes: true,
    withholds: ["103"],
  },
];
