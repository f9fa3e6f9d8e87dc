import { fieldOf } from "./forwarded-fields.ts";
import type { RequestHead } from "./streams.ts";

/** Status codes of gRPC that the proxy answers with. */
const statuses = new Map<number, number>([
  [401, 16], // UNAUTHENTICATED
  [403, 7], // PERMISSION_DENIED
  [404, 12], // UNIMPLEMENTED
  [413, 8], // RESOURCE_EXHAUSTED
  [429, 8],
  [431, 8],
  [502, 14], // UNAVAILABLE
  [503, 14],
  [504, 4], // DEADLINE_EXCEEDED
]);
const unknown = 2;

/** The `grpc-status` that says what `httpStatus` says (gRPC: HTTP to gRPC Status Code Mapping). */
export function toGrpcStatus(httpStatus: number): number {
  return statuses.get(httpStatus) ?? unknown;
}

/** Milliseconds of each unit of `grpc-timeout`. */
const unitMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

/** The milliseconds that a `grpc-timeout` allows, at least 1: up to 8 digits and a unit (gRPC over HTTP/2, Requests). */
export function parseGrpcTimeout(value: string): number | undefined {
  const [, digits, unit = ""] = /^([0-9]{1,8})([HMSmun])$/.exec(value) ?? [];
  return digits === undefined ? undefined : Math.max(1, Math.ceil(Number(digits) * (unitMs[unit] ?? 1)));
}

/** Whether a request is a gRPC call. */
export function isGrpc({ fields }: Pick<RequestHead, "fields">): boolean {
  return fieldOf(fields, "content-type")?.startsWith("application/grpc") === true;
}

/** The milliseconds that a call's own `grpc-timeout` leaves it, `Infinity` for other requests (G3). */
export function timeoutOfCall(request: Pick<RequestHead, "fields">): number {
  return isGrpc(request) ? parseGrpcTimeout(fieldOf(request.fields, "grpc-timeout") ?? "") ?? Infinity : Infinity;
}
