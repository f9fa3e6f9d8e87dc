import { fork } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { z } from "zod";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { waitFor } from "#shared/lifecycle/wait.ts";
import { runHttpLoad } from "./h2load.ts";
import type { Background } from "./processes.ts";
import type { ProxyUnderTest } from "./proxy-stand.ts";

const Answer = z.object({ open: z.int() });

/**
 * Kilobytes of resident memory that a proxy has more with `count` idle TLS connections than before. Each has had one answer, as an
 * idle connection of a browser has.
 *
 * @throws {PlatformError} upstream-failed — when one was not opened, or did not stay open
 */
export async function measureIdleMemory({ name, port, server }: ProxyUnderTest, count: number): Promise<number> {
  // What the first connections cost once is not counted.
  await runHttpLoad({ port, path: "/1k", connections: 32, amount: { requests: 500 }, closes: true });
  await runHttpLoad({ port, path: "/1k", connections: 64, amount: { requests: 5_000 } });
  const beforeMegabytes = await settledMegabytes(server);
  const client = fork(new URL("./idle-connections.ts", import.meta.url), [String(port), String(count)], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  try {
    await nextAnswer(client, name);
    const megabytes = await settledMegabytes(server);
    client.send("count");
    const { open } = await nextAnswer(client, name);
    if (open !== count) {
      const message = `Cannot measure idle connections of "${name}": ${open} are open, expected ${count}`;
      throw new PlatformError("upstream-failed", message);
    }
    const kilobytes = ((megabytes - beforeMegabytes) * 1024) / count;
    process.stderr.write(`${name}: ${beforeMegabytes} MB, ${megabytes} MB with ${count} idle connections\n`);
    return kilobytes;
  } finally {
    if (client.exitCode === null && client.signalCode === null) {
      const ended = once(client, "exit");
      client.kill();
      await ended;
    }
  }
}

async function nextAnswer(client: ReturnType<typeof fork>, name: string): Promise<z.output<typeof Answer>> {
  const ended = once(client, "exit").then(() => undefined);
  const message = await Promise.race([once(client, "message"), ended]);
  if (message !== undefined) return Answer.parse(message[0]);
  throw new PlatformError("upstream-failed", `Cannot open idle connections to "${name}": the client has ended`);
}

/** Resident memory once it has not changed by more than 1 % within 3 s, at most 15 s from now. */
async function settledMegabytes(server: Background): Promise<number> {
  let last = await server.residentMegabytes();
  for (let tries = 0; tries < 5; tries++) {
    await waitFor(3_000);
    const now = await server.residentMegabytes();
    if (Math.abs(now - last) <= last / 100) return now;
    last = now;
  }
  return last;
}
