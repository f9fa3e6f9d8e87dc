import { readFile } from "node:fs/promises";
import { Agent, request } from "node:https";

/** Asks by name through the proxy with the platform's CA, one keep-alive connection a client. */
export async function createHttpsClient(
  options: { readonly ca: string; readonly port: number; readonly hostname: string; readonly keepAlive?: boolean },
) {
  const agent = new Agent({ keepAlive: options.keepAlive ?? true, ca: await readFile(options.ca), maxSockets: 16 });
  return {
    /** The body of a 200; anything else rejects. */
    get: (path = "/") =>
      new Promise<string>((resolve, reject) => {
        const call = request({
          agent,
          host: "127.0.0.1",
          port: options.port,
          path,
          servername: options.hostname,
          headers: { host: options.hostname },
          timeout: 20_000,
        }, (response) => {
          let body = "";
          response.setEncoding("utf8");
          response.on("data", (chunk: string) => void (body += chunk));
          response.on("error", reject);
          response.on("end", () =>
            response.statusCode === 200
              ? resolve(body)
              : reject(new Error(`HTTP ${response.statusCode}: ${body.slice(0, 300)}`)));
        });
        call.on("timeout", () =>
          call.destroy(new Error("timeout")));
        call.on("error", reject);
        call.end();
      }),
    close: () => agent.destroy(),
  };
}
