import type { Cli } from "../world.ts";
import { isAnimated, printable } from "./style.ts";

/** Shows on stderr how a command gets on. */
export interface Progress extends Disposable {
  /** Writes a line that stays. */
  line(text: string): void;
  /** Says what is being done now: a spinner on a terminal, nothing elsewhere. */
  step(text: string): void;
}

const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"] as const;
const frameMs = 80;

/** The progress of a command. Silent under `--json`; without a terminal it writes plain lines only. */
export function createProgress(cli: Pick<Cli, "env" | "json" | "stderr">): Progress {
  if (cli.json) return { line() {}, step() {}, [Symbol.dispose]() {} };
  if (!isAnimated(cli, cli.stderr)) {
    return { line: (text) => cli.stderr.write(`${text}\n`), step() {}, [Symbol.dispose]() {} };
  }
  return createSpinner(cli.stderr);
}

function createSpinner(stderr: Cli["stderr"]): Progress {
  let current: string | undefined;
  let frame = 0;
  const clear = () => current === undefined ? undefined : stderr.write("\r\u001b[2K");
  const draw = () => {
    if (current === undefined) return;
    // A line that wraps could not be cleared.
    const text = printable(current).slice(0, Math.max(10, (stderr.columns ?? 80) - 3));
    stderr.write(`\r\u001b[2K${frames[frame++ % frames.length]} ${text}`);
  };
  const timer = setInterval(draw, frameMs);
  return {
    line(text) {
      clear();
      stderr.write(`${text}\n`);
      draw();
    },
    step(text) {
      current = text;
      draw();
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      clear();
      current = undefined;
    },
  };
}
