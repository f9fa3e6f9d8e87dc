import type { Backend } from "#shared/contract/route.ts";

/** How a backend is verified in TLS. */
export interface BackendTls {
  /** Name that its certificate must have (RFC 9525 §6). */
  readonly serverName: string;
  /** PEM of the roots that it must lead to. */
  readonly rootsPem: string;
}

/** Which backend, and how it is reached. */
export interface BackendPlace {
  readonly backend: Backend;
  /** In the clear without it; HTTP/2 then with prior knowledge (RFC 9113 §3.3). */
  readonly tls?: BackendTls | undefined;
  /** Does not use a connection that another request has used. */
  readonly isFresh: boolean;
}
