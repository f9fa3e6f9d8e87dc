import { isHttp2Offered } from "../is-http2-offered.ts";

/** Option of tests that need node:http2's server. */
export const needsServer: { readonly skip: string | false } = {
  skip: isHttp2Offered() ? false : "HTTP/2 is not offered on Deno: its node:http2 server can be aborted by clients",
};
