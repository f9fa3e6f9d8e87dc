import process from "node:process";

/**
 * Whether clients may speak HTTP/2 to this process: not on Deno, whose node:http2 server any client can abort
 * (`Assertion 'stream->closed_next == NULL'`, measured with Deno 2.9 under h2load).
 */
export function isHttp2Offered(): boolean {
  return process.versions["deno"] === undefined;
}
