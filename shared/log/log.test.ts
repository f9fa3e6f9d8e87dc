import assert from "node:assert/strict";
import { test } from "node:test";
import { createLog, type LogLevel } from "./log.ts";

function capture(level?: "debug" | "warn") {
  const lines: Record<string, unknown>[] = [];
  const log = createLog({
    system: "test",
    ...(level ? { level } : {}),
    write: (line) => lines.push(JSON.parse(line)),
    now: () => new Date(0),
  });
  return { log, lines };
}

test("createLog() writes one JSON object a line with time, level and system", () => {
  const { log, lines } = capture();
  log.info("started", { port: 1 });
  assert.deepEqual(lines, [{
    time: "1970-01-01T00:00:00.000Z",
    level: "info",
    message: "started",
    system: "test",
    port: 1,
  }]);
});

test("createLog() drops lines below its level and passes fields to children", () => {
  const { log, lines } = capture("warn");
  log.info("hidden");
  log.child({ requestId: "r" }).error("bad", { error: new Error("outer", { cause: new Error("inner") }) });
  assert.equal(lines.length, 1);
  assert.equal(lines[0]?.["requestId"], "r");
  assert.equal(lines[0]?.["error"], "outer: inner");
  assert.equal(typeof lines[0]?.["stack"], "string");
});

test("createLog() asks for its level at each line when it is a function", () => {
  const lines: string[] = [];
  let level: LogLevel = "warn";
  const log = createLog({ system: "test", level: () => level, write: (line) => void lines.push(line) });
  log.info("dropped");
  level = "debug";
  log.debug("kept");
  log.child({ more: 1 }).debug("kept too");
  assert.equal(lines.length, 2);
});
