import { spawn, spawnSync } from "node:child_process";

/** Why tests with the `openssl` program are skipped, or `false` when it is there. */
export const skipWithoutOpenssl: string | false = spawnSync("openssl", ["version"]).status === 0
  ? false
  : "openssl is not installed";

/** What `openssl s_client` prints about a connection to the greeting server on `port`, once the greeting has come. */
export function runOpenssl(port: number, serverName: string, ...options: string[]): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const target = ["s_client", "-connect", `127.0.0.1:${port}`, "-servername", serverName, ...options];
  const client = spawn("openssl", target, { stdio: ["pipe", "pipe", "ignore"] });
  let output = "";
  client.stdout.on("data", (chunk) => {
    output += String(chunk);
    if (output.includes("hello")) client.stdin.end();
  });
  client.stdin.on("error", () => undefined);
  client.on("error", reject).on("close", () => resolve(output));
  return promise;
}
