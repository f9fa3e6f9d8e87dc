import type { X509Certificate } from "node:crypto";

/** The DNS names of a certificate in lower case. Its subject's common name is none of them (RFC 9525 §6.3). */
export function certificateNames(certificate: X509Certificate): string[] {
  const names = certificate.subjectAltName?.matchAll(/(?:^|, )DNS:([A-Za-z0-9*._-]+)(?=,|$)/g) ?? [];
  return [...names].map(([, name = ""]) => name.toLowerCase());
}

/**
 * Whether one of `names` is for `hostname`: the same name, or `*.` in place of its first label (RFC 9525 §6.3). The host name of a
 * wildcard route begins with `*.` itself and needs just that name.
 */
export function coversHost(names: readonly string[], hostname: string): boolean {
  const [first = "", ...rest] = hostname.split(".");
  return names.includes(hostname) || (first !== "" && rest.length > 1 && names.includes(["*", ...rest].join(".")));
}
