import type { Role } from "#shared/contract/principal.ts";
import { newId } from "./new-id.ts";
import type { StoredAccount } from "./store/account-store.ts";

/** What {@link createPerson} needs. */
export interface PersonOptions {
  readonly username: string;
  readonly roles: readonly Role[];
  readonly passwordHash: string;
  readonly createdAtMs: number;
}

/** A new active account of a person. */
export function createPerson({ username, roles, passwordHash, createdAtMs }: PersonOptions): StoredAccount {
  return {
    id: newId(),
    username,
    kind: "human",
    status: "active",
    roles: [...new Set(roles)],
    passwordHash,
    passwordVersion: 0,
    publicKey: null,
    createdAtMs,
  };
}
