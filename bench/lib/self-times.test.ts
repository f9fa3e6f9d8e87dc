import assert from "node:assert/strict";
import { test } from "node:test";
import { selfTimes } from "./self-times.ts";

const frame = (functionName: string, url: string) => ({
  functionName,
  url,
  lineNumber: 9,
  columnNumber: 0,
  scriptId: "1",
});

test("selfTimes() adds up what each function took, without idle time", () => {
  const times = selfTimes({
    nodes: [
      { id: 1, callFrame: frame("(idle)", ""), hitCount: 1 },
      { id: 2, callFrame: frame("parseHead", "file:///srv/app/edge-proxy/http1/parse-head.ts") },
      { id: 3, callFrame: frame("", "node:net") },
    ],
    samples: [1, 2, 3, 2],
    timeDeltas: [1000, 20, 10, 10],
  });
  assert.deepEqual(times, [
    { label: "parseHead edge-proxy/http1/parse-head.ts:10", percent: 75 },
    { label: "(anonymous) node:net:10", percent: 25 },
  ]);
});
