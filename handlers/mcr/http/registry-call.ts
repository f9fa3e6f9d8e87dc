import type { Principal } from "#shared/contract/principal.ts";
import type { AuditEvent } from "#shared/store/audit.ts";
import type { RegistryAction } from "../domain/policy.ts";
import type { RepositoryName } from "../domain/name.ts";
import type { McrStore } from "../store.ts";
import type { BlobStorage } from "../storage/blob-storage.ts";
import type { Uploads } from "../uploads.ts";
import type { BodySource } from "./body-source.ts";

/** What route handlers of the registry API use. */
export interface RegistryDependencies {
  readonly store: McrStore;
  readonly storage: BlobStorage;
  readonly uploads: Uploads;
}

/** One authenticated request of the registry API. Handlers parse the names in it, then call `allow`, then act. */
export interface RegistryCall {
  readonly principal: Principal;
  /** The repository's name as it stands in the path. */
  readonly repository: string;
  /** The last path component as it stands in the path. */
  readonly target: string;
  readonly query: URLSearchParams;
  readonly request: Request;
  readonly body: BodySource;
  /**
   * Lets the request pass when the policy does.
   *
   * @throws {PlatformError} forbidden (DENIED) — when it does not
   */
  allow(action: RegistryAction, repository?: RepositoryName): void;
  /** Says whether the policy lets the caller do something, without refusing the request. */
  mayDo(action: RegistryAction, repository: RepositoryName): boolean;
  /** The audit line of a change made by this request. */
  audited(resource: string): Omit<AuditEvent, "id">;
}

/** Answers one operation of the registry API. */
export type RegistryHandler = (call: RegistryCall, deps: RegistryDependencies) => Promise<Response>;
