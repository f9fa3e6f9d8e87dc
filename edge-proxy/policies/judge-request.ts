import { Buffer } from "node:buffer";
import { timingSafeEqual } from "node:crypto";
import type { RequestHead } from "../l7/streams.ts";
import { allowsAddress, type CompiledPolicies, type RequiredField } from "./compile-policies.ts";

/** Why a request is refused, for logs and metrics. */
export type PolicyRefusal = "address-not-allowed" | "user-agent-blocked" | "header-required" | "maintenance";

/** What is to be done with a request; `undefined`: it may pass. */
export type Verdict =
  | undefined
  | {
    readonly kind: "refuse";
    readonly status: 403 | 503;
    readonly reason: PolicyRefusal;
    /** Text for the client, of the operator. */
    readonly message?: string;
    readonly retryAfterSeconds?: number;
  }
  /** Hold it until the route changes, then judge again by the new route. */
  | { readonly kind: "hold"; readonly seconds: number }
  /** Ask first; what the fields say goes on to the instance. */
  | { readonly kind: "ask"; readonly url: URL; readonly responseFields: readonly string[] };

/** What is judged. */
export interface JudgedRequest {
  readonly request: Pick<RequestHead, "fields" | "authority" | "via" | "claimedFor" | "claimedId">;
  /** Client as far as it is believed: see `clientAddressOf`. */
  readonly clientAddress: string;
}

/** Nobody knows how long maintenance lasts: clients may look again after this. */
const maintenanceRetrySeconds = 30;

/**
 * What the policies want with a request. Order: allowed addresses, blocked user agents, required fields, maintenance, pause,
 * forward-auth. So a client that may not see the route learns nothing of its maintenance and is never held.
 */
export function judgeRequest(policies: CompiledPolicies, judged: JudgedRequest): Verdict {
  if (!allowsAddress(policies, judged.clientAddress)) return refuse("address-not-allowed");
  if (isBlockedAgent(policies.blockedAgents, judged)) return refuse("user-agent-blocked");
  if (!policies.requiredFields.every((field) => hasField(field, judged))) return refuse("header-required");
  if (policies.maintenance !== undefined) return toMaintenance(policies.maintenance.message);
  if (policies.pause !== undefined) return { kind: "hold", seconds: policies.pause.seconds };
  if (policies.forwardAuth !== undefined) return { kind: "ask", ...policies.forwardAuth };
  return undefined;
}

function refuse(reason: PolicyRefusal): Verdict {
  return { kind: "refuse", status: 403, reason };
}

function toMaintenance(message: string | undefined): Verdict {
  return {
    kind: "refuse",
    status: 503,
    reason: "maintenance",
    retryAfterSeconds: maintenanceRetrySeconds,
    ...(message === undefined ? {} : { message }),
  };
}

function isBlockedAgent(parts: readonly string[], judged: JudgedRequest): boolean {
  if (parts.length === 0) return false;
  return valuesOf(judged.request, "user-agent").some((value) => {
    const agent = value.toLowerCase();
    return parts.some((part) => agent.includes(part));
  });
}

/** Every line must have the value: which of several a backend reads is not known. */
function hasField({ lowerName, value }: RequiredField, { request }: JudgedRequest): boolean {
  const values = valuesOf(request, lowerName);
  if (values.length === 0) return false;
  return value === undefined || values.every((found) => isSame(found, value));
}

/** Compares without telling by its time how much is right: such values are often secrets. */
function isSame(found: string, expected: string): boolean {
  const [a, b] = [Buffer.from(found, "latin1"), Buffer.from(expected, "utf8")];
  return a.length === b.length && timingSafeEqual(a, b);
}

function valuesOf(request: JudgedRequest["request"], lowerName: string): readonly string[] {
  const apart = ownValueOf(request, lowerName);
  if (apart !== undefined) return apart === "" ? [] : [apart];
  const values: string[] = [];
  for (let index = 0; index < request.fields.length; index += 2) {
    const name = request.fields[index] ?? "";
    if (name.length === lowerName.length && name.toLowerCase() === lowerName) {
      values.push(request.fields[index + 1] ?? "");
    }
  }
  return values;
}

/** Fields that a request head keeps apart from the others. */
function ownValueOf(request: JudgedRequest["request"], lowerName: string): string | undefined {
  if (lowerName === "host") return request.authority;
  if (lowerName === "via") return request.via;
  if (lowerName === "x-forwarded-for") return request.claimedFor;
  return lowerName === "x-request-id" ? request.claimedId : undefined;
}
