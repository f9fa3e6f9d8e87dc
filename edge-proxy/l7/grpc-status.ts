/** gRPC status codes by the HTTP status that an answer of the proxy's own would have had (G3). */
const byHttpStatus: Readonly<Record<number, number>> = {
  401: 16,
  403: 7,
  404: 12,
  413: 8,
  429: 8,
  431: 8,
  502: 14,
  503: 14,
  504: 4,
};

/** The gRPC status that stands for an HTTP status; 2 (UNKNOWN) for the rest. */
export function toGrpcStatus(httpStatus: number): number {
  return byHttpStatus[httpStatus] ?? 2;
}
