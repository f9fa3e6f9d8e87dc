import type { Cli, Output } from "../world.ts";
import { createProgress } from "./progress.ts";

/** The CLI with a sign of life on its terminal. */
export interface Waiting extends Disposable {
  readonly cli: Cli;
}

/** A CLI that shows at once, on a terminal, that the command has begun: a spinner until the command's own first output. */
export function createWaiting(cli: Cli, text: string): Waiting {
  const progress = createProgress(cli);
  progress.step(text);
  let isOver = false;
  const stop = () => {
    if (!isOver) progress[Symbol.dispose]();
    isOver = true;
  };
  const stopping = (output: Output): Output => ({
    isTTY: output.isTTY,
    get columns() {
      return output.columns;
    },
    write(written) {
      stop();
      output.write(written);
    },
  });
  return { cli: { ...cli, stdout: stopping(cli.stdout), stderr: stopping(cli.stderr) }, [Symbol.dispose]: stop };
}
