import type { Authorization, Client, Order } from "acme-client";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { createBackoff } from "#shared/lifecycle/backoff.ts";
import { waitFor } from "#shared/lifecycle/wait.ts";
import { createChallengeCertificate } from "./challenge-certificate.ts";
import type { Challenge, ChallengeBoard, ChallengeType } from "./challenge.ts";

/** One certificate to order. */
export interface CertificateOrder {
  readonly hostname: string;
  /** The request (RFC 2986), PEM. */
  readonly csrPem: string;
  /** Ways to prove the name, the one to take first. */
  readonly challengeTypes: readonly ChallengeType[];
  readonly board: ChallengeBoard;
  readonly signal: AbortSignal;
}

/** Longest wait for a CA to look, or to issue. */
const settleMs = 120_000;

type OfferedChallenge = Authorization["challenges"][number];

/**
 * The chain for a request, PEM, leaf first, after the name was proved to the CA (RFC 8555 §7.4).
 *
 * @throws {PlatformError} upstream-failed — with what the CA says; timeout, cancelled
 */
export async function orderCertificate(client: Client, request: CertificateOrder): Promise<string> {
  const { hostname, signal } = request;
  const order = await client.createOrder({ identifiers: [{ type: "dns", value: hostname }] });
  for (const authorization of await client.getAuthorizations(order)) {
    if (authorization.status !== "valid") await prove(client, { order, authorization }, request);
  }
  const finalized = await client.finalizeOrder(order, request.csrPem);
  const issued = await poll(() => client.getOrder(finalized), ({ status }) => status === "valid", { hostname, signal });
  return await client.getCertificate(issued);
}

async function prove(
  client: Client,
  { order, authorization }: { readonly order: Order; readonly authorization: Authorization },
  request: CertificateOrder,
): Promise<void> {
  const { hostname, board, signal } = request;
  const offered = pickChallenge(authorization, request);
  const challenge = await toChallenge(hostname, offered, await client.getChallengeKeyAuthorization(offered));
  try {
    await board.present(challenge);
    await client.completeChallenge(offered);
    const read = async () =>
      (await client.getAuthorizations(order)).find(({ url }) => url === authorization.url) ?? authorization;
    await poll(read, ({ status }) => status === "valid", { hostname, signal });
  } finally {
    await board.withdraw(challenge);
  }
}

function pickChallenge(
  { challenges }: Authorization,
  { hostname, challengeTypes }: CertificateOrder,
): OfferedChallenge {
  for (const type of challengeTypes) {
    const found = challenges.find((challenge) => challenge.type === type);
    if (found !== undefined) return found;
  }
  const offered = challenges.map(({ type }) => type).join(", ");
  throw failed(hostname, `the CA offers to look by ${offered}, expected one of ${challengeTypes.join(", ")}`);
}

async function toChallenge(hostname: string, offered: OfferedChallenge, keyAuthorization: string): Promise<Challenge> {
  if (offered.type === "http-01") return { type: "http-01", token: offered.token, keyAuthorization };
  return { type: "tls-alpn-01", hostname, material: await createChallengeCertificate(hostname, keyAuthorization) };
}

/** Reads until `isDone`, less and less often. */
async function poll<T extends Order | Authorization>(
  read: () => Promise<T>,
  isDone: (value: T) => boolean,
  { hostname, signal }: { readonly hostname: string; readonly signal: AbortSignal },
): Promise<T> {
  const backoff = createBackoff({ minMs: 250, maxMs: 5_000 });
  const deadlineMs = performance.now() + settleMs;
  for (;;) {
    const value = await read();
    if (isDone(value)) return value;
    if (value.status === "invalid") throw failed(hostname, `the CA refuses: ${faultOf(value)}`);
    if (signal.aborted) {
      throw new PlatformError("cancelled", `Cannot obtain a certificate for "${hostname}": cancelled`);
    }
    if (performance.now() > deadlineMs) {
      const message = `Cannot obtain a certificate for "${hostname}": the CA says "${value.status}" for ${settleMs} ms`;
      throw new PlatformError("timeout", message);
    }
    await waitFor(backoff.next(), signal);
  }
}

/** What the CA found (RFC 8555 §8: the error of the challenge that was tried). */
function faultOf(value: Order | Authorization): string {
  const faults = "challenges" in value ? value.challenges.map((challenge): unknown => challenge.error) : [value.error];
  const fault = faults.find((error) => error !== undefined && error !== null);
  const detail = typeof fault === "object" && fault !== null && "detail" in fault ? fault.detail : undefined;
  return typeof detail === "string" ? detail.slice(0, 500) : "it does not say why";
}

function failed(hostname: string, what: string): PlatformError {
  return new PlatformError("upstream-failed", `Cannot obtain a certificate for "${hostname}": ${what}`);
}
