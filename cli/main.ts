import { homedir } from "node:os";
import process from "node:process";
import { isatty } from "node:tty";
import { runCli } from "./run-cli.ts";
import type { Input, Output } from "./world.ts";

const interrupt = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    // A second Ctrl-C ends the process, whatever it waits for.
    if (interrupt.signal.aborted) process.kill(process.pid, "SIGKILL");
    interrupt.abort();
  });
}
// The reader of a pipe may leave before the end, as `head` does: nothing more is worth doing then.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: Error) => {
    if (!("code" in error) || error.code !== "EPIPE") throw error;
    interrupt.abort();
  });
}

process.exitCode = await runCli(process.argv.slice(2), {
  env: process.env,
  homeDir: process.env["HOME"] || homedir(),
  stdin: createInput(),
  stdout: toOutput(process.stdout),
  stderr: toOutput(process.stderr),
  interrupt: interrupt.signal,
  now: () => new Date(),
});
// A question that Ctrl-C left unanswered still reads.
process.stdin.destroy();

function toOutput(stream: NodeJS.WriteStream): Output {
  return {
    isTTY: stream.isTTY === true,
    get columns() {
      // Some terminals say that they are 0 wide.
      return stream.isTTY === true && stream.columns > 0 ? stream.columns : undefined;
    },
    write: (text) => void stream.write(text),
  };
}

function createInput(): Input {
  return {
    isTTY: isatty(0),
    setRawMode: (isRaw) => void process.stdin.setRawMode?.(isRaw),
    [Symbol.asyncIterator]: () => process.stdin[Symbol.asyncIterator](),
  };
}
