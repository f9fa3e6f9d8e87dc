import { Buffer } from "node:buffer";
import { type IncomingMessage, request as httpRequest } from "node:http";
import type { z } from "zod";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { toPodmanError, toTransportError } from "./podman-error.ts";

/** One call of the libpod REST API. */
export interface PodmanCall {
  /** HTTP method; GET unless given. */
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  /** Path below the API version, such as `/containers/json`; names in it are percent-encoded by {@link inPath}. */
  readonly path: string;
  /** Query parameters; those that are `undefined` are left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Further request headers. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What is done, as in `Cannot <action>`. */
  readonly action: string;
  /** Ends the call at once. */
  readonly signal?: AbortSignal;
  /** Gives up when there is no complete answer by then; 60 s unless given. Streams have none. */
  readonly timeoutMs?: number;
}

/** Speaks HTTP to one podman API service. */
export interface PodmanConnection {
  /** The open answer to a call; the caller reads its body. */
  open(call: PodmanCall): Promise<IncomingMessage>;
  /** The text of the answer. */
  text(call: PodmanCall): Promise<string>;
  /** The JSON answer, checked by `schema`. */
  json<T extends z.ZodType>(call: PodmanCall, schema: T): Promise<z.infer<T>>;
}

/** Largest answer that is read into memory. */
const maxAnswerBytes = 64 * 1024 * 1024;
const apiPrefix = "http://d/v4.0.0/libpod";

/** A connection to the podman API service at a unix socket; each call uses a socket of its own. */
export function createPodmanConnection(socketPath: string): PodmanConnection {
  async function open(call: PodmanCall): Promise<IncomingMessage> {
    const response = await send(socketPath, call);
    const status = response.statusCode ?? 0;
    if (status < 400) return response;
    throw toPodmanError({ action: call.action, status, body: await readText(response) });
  }
  async function text(call: PodmanCall): Promise<string> {
    const signal = withTimeout(call);
    try {
      return await readText(await open({ ...call, signal }));
    } catch (error) {
      throw error instanceof PlatformError ? error : toTransportError(call, error);
    }
  }
  async function json<T extends z.ZodType>(call: PodmanCall, schema: T): Promise<z.infer<T>> {
    return parseAnswer(call.action, await text(call), schema);
  }
  return { open, text, json };
}

/** A container, image or network name as one segment of a path. */
export function inPath(name: string): string {
  return encodeURIComponent(name);
}

/**
 * The value in a JSON text from podman.
 *
 * @throws {PlatformError} podman-failed — when it is not JSON or not of the expected shape
 */
export function parseAnswer<T extends z.ZodType>(action: string, text: string, schema: T): z.infer<T> {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    const start = text.slice(0, 200);
    throw new PlatformError("podman-failed", `Cannot ${action}: podman answered "${start}", expected another shape`, {
      cause,
    });
  }
}

function send(socketPath: string, call: PodmanCall): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const body = call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body));
  const url = toUrl(call);
  const outgoing = httpRequest(
    {
      socketPath,
      method: call.method ?? "GET",
      path: url.pathname + url.search,
      headers: {
        host: "d",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        "content-length": String(body?.length ?? 0),
        ...call.headers,
      },
      agent: false,
      ...(call.signal === undefined ? {} : { signal: call.signal }),
    },
    resolve,
  );
  // Stays after the answer began: a socket that breaks later also reports here, and the reader sees it on the body.
  outgoing.on("error", (error) => reject(toTransportError(call, error)));
  outgoing.end(body);
  return promise;
}

function toUrl(call: PodmanCall): URL {
  const url = new URL(apiPrefix + call.path);
  for (const [name, value] of Object.entries(call.query ?? {})) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  return url;
}

function withTimeout(call: PodmanCall): AbortSignal {
  const timeout = AbortSignal.timeout(call.timeoutMs ?? 60_000);
  return call.signal === undefined ? timeout : AbortSignal.any([call.signal, timeout]);
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of response) {
    const bytes = Buffer.from(chunk);
    sizeBytes += bytes.length;
    if (sizeBytes > maxAnswerBytes) {
      response.destroy();
      throw new PlatformError(
        "podman-failed",
        `Cannot read podman's answer: it is longer than ${maxAnswerBytes} bytes`,
      );
    }
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString("utf8");
}
