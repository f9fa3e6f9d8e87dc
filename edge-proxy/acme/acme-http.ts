import { axios } from "acme-client";
import { Agent } from "node:https";
import { PlatformError } from "#shared/errors/platform-error.ts";

/** Longest wait for an answer of a CA. */
const timeoutMs = 30_000;
/** Largest answer of a CA; a chain takes a few KiB. */
const maxAnswerBytes = 1024 * 1024;
/** Waits that a CA may ask for: a day at most, a minute when it does not say. */
const maxRetryAfterMs = 86_400_000;
const defaultRetryAfterMs = 60_000;

const agents = new Map<string, Agent>();
let isSetUp = false;

/**
 * Sets up the ACME library's HTTP client, which all of its clients share: answers are bounded in time and size, a CA that is busy is left
 * alone as long as it says instead of being asked five times more, and the server of `directoryUrl` must show a certificate of `caPem`.
 */
export function setUpAcmeHttp(directoryUrl: string, caPem: string | undefined): void {
  if (caPem !== undefined) agents.set(new URL(directoryUrl).origin, new Agent({ ca: caPem, keepAlive: false }));
  if (isSetUp) return;
  isSetUp = true;
  axios.interceptors.request.clear();
  axios.interceptors.response.clear();
  axios.interceptors.request.use((config) => {
    const agent = agents.get(new URL(config.url ?? directoryUrl).origin);
    const bounds = { timeout: timeoutMs, maxContentLength: maxAnswerBytes, maxRedirects: 3 };
    return Object.assign(config, bounds, agent === undefined ? {} : { httpsAgent: agent });
  });
  axios.interceptors.response.use((response) => {
    const { status, headers, config } = response;
    if (status !== 429 && status !== 503) return response;
    const retryAfterMs = parseRetryAfter(String(headers["retry-after"] ?? ""), Date.now());
    const message = `Cannot ask the CA at "${config.url}": it answers ${status}, expected less requests from here`;
    throw new PlatformError("rate-limited", message, { details: { retryAfterMs } });
  }, (cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : "unknown error";
    throw new PlatformError("unavailable", `Cannot reach the CA: ${reason}`, { cause });
  });
}

/** The wait that a `Retry-After` field asks for, in milliseconds from `nowMs` (RFC 9110 §10.2.3); a minute when it makes no sense. */
export function parseRetryAfter(value: string, nowMs: number): number {
  const waitMs = /^\d{1,9}$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - nowMs;
  return waitMs > 0 ? Math.min(waitMs, maxRetryAfterMs) : defaultRetryAfterMs;
}
