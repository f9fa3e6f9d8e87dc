import { Buffer } from "node:buffer";
import { type IRequest, Router } from "itty-router";
import packet from "dns-packet";
import { z } from "zod";
import { PlatformError, toPlatformError } from "#shared/errors/platform-error.ts";
import { toProblemResponse } from "#shared/errors/problem.ts";
import { answerHealth } from "#shared/mcdsl/health.ts";
import type { AdminApp } from "#shared/lifecycle/serve-admin.ts";
import { answerSpecialName } from "./forward/special-names.ts";
import { toQuestionBytes } from "./forward/ask-upstreams.ts";
import { endpointToText } from "./forward/endpoint-address.ts";
import type { Forwarder } from "./forward/forwarder.ts";
import type { DnsMetrics } from "./server/metrics.ts";
import { findType, rcodeToText, typeToText } from "./wire/codes.ts";
import { keyToName, nameFromText, nameToText, toNameKey } from "./wire/name.ts";
import { type Answer, encodeTemplate } from "./wire/reply.ts";
import { answerQuery, type Question } from "./zones/answer-query.ts";
import { findZone } from "./zones/zone.ts";
import type { ZoneTable } from "./zones/zone-table.ts";

/** What the admin endpoints show. */
export interface AdminOptions {
  readonly zones: ZoneTable;
  readonly forwarder: Forwarder | undefined;
  readonly metrics: DnsMetrics;
  /** The feed revision that is served; 0 before the first. */
  readonly revision: () => number;
}

/** Read-only endpoints for the operator of the node; they belong on a loopback address. */
export function createAdmin(options: AdminOptions): AdminApp {
  const router = Router<IRequest, []>({
    catch: (error: unknown) => toProblemResponse(toPlatformError(error)),
  });
  router.get("/healthz", () =>
    answerHealth({
      zones: () => {
        if (options.zones.zones.size === 0) {
          throw new PlatformError("unavailable", "Cannot serve any zone: none was received yet");
        }
      },
    }));
  router.get(
    "/metrics",
    async () =>
      new Response(await options.metrics.registry.metrics(), {
        headers: { "content-type": options.metrics.registry.contentType },
      }),
  );
  router.get("/v1/zones", () => Response.json({ revision: options.revision(), zones: listZones(options.zones) }));
  router.get("/v1/explain", (request) => Response.json(explain(options, new URL(request.url).searchParams)));
  router.all("*", (request) => {
    throw new PlatformError(
      "not-found",
      `Cannot ${request.method} "${new URL(request.url).pathname}": there is no such endpoint`,
    );
  });
  return { fetch: (request) => router.fetch(request) };
}

function listZones({ zones }: ZoneTable) {
  return [...zones.values()].map(({ name, serial, nodes }) => ({
    name,
    serial,
    names: nodes.size,
    records: [...nodes.values()].flatMap((node) => [...node.values()]).reduce(
      (sum, records) => sum + records.length,
      0,
    ),
  }));
}

const ExplainQuery = z.object({ name: z.string().min(1).max(1024), type: z.string().max(16).default("A") });

/** Where the answer to a question comes from and what it is, without asking any upstream server. */
function explain({ zones, forwarder }: AdminOptions, search: URLSearchParams) {
  const query = ExplainQuery.safeParse(Object.fromEntries(search));
  const type = findType(query.data?.type ?? "");
  if (!query.success || type === undefined) {
    throw new PlatformError(
      "invalid-request",
      "Cannot explain the question, expected ?name=<name>&type=<type such as AAAA or TYPE65>",
    );
  }
  const question = { key: toNameKey(nameFromText(query.data.name)), type };
  const base = { name: nameToText(keyToName(question.key)), type: typeToText(type) };
  const own = answerQuery(zones.zones, question);
  if (own !== undefined) {
    const zone = findZone(zones.zones, question.key, type);
    return { ...base, source: "zone", zone: zone?.name, serial: zone?.serial, ...describe(question, own) };
  }
  const special = answerSpecialName(question);
  if (special !== undefined) return { ...base, source: "local", ...describe(question, special) };
  if (forwarder === undefined) {
    return { ...base, source: "refused", reason: "no zone of ours, and no upstream servers" };
  }
  const upstreams = forwarder.upstreams.map(endpointToText);
  const cached = forwarder.findCached(question, { id: 0, flags: 0, question: undefined, edns: undefined });
  if (cached === undefined) return { ...base, source: "upstream", upstreams };
  return { ...base, source: "cache", upstreams, ageSeconds: cached.ageSeconds, ...describe(question, cached.answer) };
}

function describe(question: Question, answer: Answer) {
  const { bytes } = encodeTemplate(toQuestionBytes(question), answer);
  return { rcode: rcodeToText(answer.rcode), ...decodeRecords(bytes) };
}

/** Records as dns-packet shows them; it cannot read every record that may be in the cache. */
function decodeRecords(bytes: Uint8Array) {
  try {
    const { answers, authorities } = packet.decode(Buffer.from(bytes));
    return { answers, authority: authorities };
  } catch {
    return {};
  }
}
