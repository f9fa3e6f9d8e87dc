import type { CertificateState } from "./certificates/certificate-keeper.ts";

/** What is said of the certificate of a name. */
export function describeCertificate(hostname: string, state: CertificateState): Record<string, unknown> {
  if (state === "pending") return { hostname, state };
  if (!("notAfter" in state)) return { hostname, state: "problem", problem: state.problem };
  const { notBefore, notAfter, serialNumber, origin, renewAt, renewalProblem } = state;
  return {
    hostname,
    state: "live",
    origin,
    serialNumber,
    notBefore: notBefore.toISOString(),
    notAfter: notAfter.toISOString(),
    ...(renewAt === undefined ? {} : { renewAt: renewAt.toISOString() }),
    ...(renewalProblem === undefined ? {} : { renewalProblem }),
  };
}
