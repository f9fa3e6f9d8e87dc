import { HostName } from "#shared/contract/names.ts";

/** Most names in one certificate. */
export const maxNames = 16;

const wildcardPrefix = "*.";

/** Says whether a text may stand in a certificate: a host name, or `*.` before one (RFC 6125 §6.4.3: the left-most label only). */
export function isCertificateName(text: string): boolean {
  const host = text.startsWith(wildcardPrefix) ? text.slice(wildcardPrefix.length) : text;
  const lastLabel = host.slice(host.lastIndexOf(".") + 1);
  // A last label of digits would be read as an IPv4 address (RFC 1123 §2.1).
  return text.length <= 253 && HostName.safeParse(host).success && !/^\d+$/.test(lastLabel);
}

/** Whose names are judged. */
export interface NameHolder {
  /** Admins may have any name under the platform's domain. */
  readonly isAdmin: boolean;
  /** Names that owners let the account have. */
  readonly grantedNames: ReadonlySet<string>;
}

/** The names that the holder may not have. A granted name covers itself only, never a wildcard or a name below it. */
export function findForbiddenNames(names: readonly string[], holder: NameHolder, domain: string): string[] {
  return names.filter((name) => !holder.grantedNames.has(name) && !(holder.isAdmin && isUnder(name, domain)));
}

function isUnder(name: string, domain: string): boolean {
  return name === domain || name.endsWith(`.${domain}`);
}
