// npm and npx end at SIGTERM without passing it on: what they started would serve for ever with nobody to stop it.
import process from "node:process";

/** Calls `stop` once when the npm that started this process has gone. Nothing happens for processes that npm did not start. */
export function onNpmGone(stop) {
  if (process.env.npm_command === undefined) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    stop();
  }, 250);
  timer.unref();
}
