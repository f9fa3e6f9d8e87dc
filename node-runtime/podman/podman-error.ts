import { z } from "zod";
import type { ErrorCode } from "#shared/errors/catalogue.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";

/** libpod's error body: `cause` is the root, `message` the whole chain. */
const ErrorBody = z.object({ cause: z.string().default(""), message: z.string().default("") });

/** The error for an answer with status 400 or more; podman's own reason ends the message and is `details.reason`. */
export function toPodmanError(answer: { action: string; status: number; body: string }): PlatformError {
  const { cause, reason } = readReason(answer.body);
  const code = codeOf(answer.status, reason);
  return new PlatformError(code, `Cannot ${answer.action}: ${reason}`, {
    details: { reason, podmanStatus: answer.status, ...(cause === "" ? {} : { podmanCause: cause }) },
  });
}

/** The error for a call that got no answer. */
export function toTransportError(call: { action: string; signal?: AbortSignal }, cause: unknown): PlatformError {
  if (call.signal?.aborted) {
    const timedOut = call.signal.reason instanceof DOMException && call.signal.reason.name === "TimeoutError";
    const why = timedOut ? "podman did not answer in time" : "the call was cancelled";
    return new PlatformError(timedOut ? "timeout" : "cancelled", `Cannot ${call.action}: ${why}`, { cause });
  }
  return new PlatformError("unavailable", `Cannot ${call.action}: podman's API socket does not answer`, { cause });
}

function readReason(body: string): { cause: string; reason: string } {
  try {
    const { cause, message } = ErrorBody.parse(JSON.parse(body));
    return { cause, reason: message || cause || "podman gave no reason" };
  } catch {
    return { cause: "", reason: body.trim().slice(0, 500) || "podman gave no reason" };
  }
}

function codeOf(status: number, reason: string): ErrorCode {
  // libpod 4.3 answers 500 for an unknown image and for a taken container name.
  if (status === 404 || reason.endsWith(": image not known")) return "not-found";
  if (status === 409 || /already in use|already exists/.test(reason)) return "conflict";
  return "podman-failed";
}
