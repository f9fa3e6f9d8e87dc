import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { test } from "node:test";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A server that answers each request with 1 KiB, and says its port. */
const server = `
import { createServer } from "node:http2";
const server = createServer();
server.on("stream", (stream) => {
  stream.on("error", () => {});
  stream.respond({ ":status": 200 });
  stream.end("x".repeat(1024));
});
server.on("sessionError", () => {});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
`;

/** `undefined` while the server lives after a load of h2load, else how it ended. */
async function endUnderLoad(): Promise<string | undefined> {
  const child = spawn(process.execPath, ["run", "-A", "--ext=ts", "-"], { stdio: ["pipe", "pipe", "ignore"] });
  child.on("error", () => {});
  child.stdin.end(server);
  const port = await Promise.race([once(child.stdout, "data"), once(child, "exit").then(() => [])]);
  await run("h2load", ["-c16", "-m16", "-n20000", `http://127.0.0.1:${Number(String(port[0]))}/`]).catch(() => {});
  const ended = endOf(child);
  child.kill("SIGKILL");
  return ended;
}

function endOf({ exitCode, signalCode }: ChildProcess): string | undefined {
  if (exitCode === null && signalCode === null) return undefined;
  return signalCode ?? `exit code ${exitCode}`;
}

test("D4: tells whether Deno's node:http2 server still aborts under load", { timeout: 60_000 }, async (context) => {
  if (process.versions["deno"] === undefined) return context.skip("it is about Deno");
  const hasLoad = await run("h2load", ["--version"]).then(() => true, () => false);
  if (!hasLoad) return context.skip("h2load is not installed");
  const ends: string[] = [];
  for (let round = 0; round < 3 && ends.length === 0; round += 1) {
    const ended = await endUnderLoad();
    if (ended !== undefined) ends.push(ended);
  }
  const version = process.versions["deno"];
  if (ends.length > 0) {
    console.log(`Deno ${version}: its node:http2 server still aborts (${ends.join(", ")}); HTTP/2 stays off`);
  } else console.log(`Deno ${version}: its node:http2 server lived: see whether isHttp2Offered() may say so`);
});
