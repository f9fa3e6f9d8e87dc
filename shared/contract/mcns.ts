import { z } from "zod";
import { AuditPage, AuditQuery } from "./audit.ts";
import { endpoint } from "./endpoint.ts";
import { AccountName, HostName, Id } from "./names.ts";
import { ZoneRecord, ZoneState } from "./state.ts";

/** A zone without its records. */
export const Zone = ZoneState.omit({ records: true });
/** A zone without its records. */
export type Zone = z.infer<typeof Zone>;

/** A stored record: set by hand, or derived from healthy instances by an owner. */
export const StoredRecord = ZoneRecord.extend({ id: Id, owner: AccountName, source: z.enum(["static", "derived"]) });
/** A stored record. */
export type StoredRecord = z.infer<typeof StoredRecord>;

const ZoneParams = z.object({ zone: HostName });
const RecordParams = z.object({ zone: HostName, id: Id });

/** What MCNS offers: zones and their records. */
export const mcnsContract = {
  listZones: endpoint({
    id: "zone.list",
    method: "GET",
    path: "/v1/zones",
    summary: "List zones",
    access: ["authenticated"],
    answer: z.object({ zones: z.array(Zone) }),
  }),
  createZone: endpoint({
    id: "zone.create",
    method: "POST",
    path: "/v1/zones",
    summary: "Create a zone",
    access: ["admin"],
    body: Zone.pick({ name: true, primaryServer: true, adminMailbox: true }),
    answer: Zone,
    status: 201,
    errors: ["conflict"],
  }),
  deleteZone: endpoint({
    id: "zone.delete",
    method: "DELETE",
    path: "/v1/zones/{zone}",
    summary: "Delete a zone with all its records",
    access: ["admin"],
    params: ZoneParams,
    errors: ["not-found"],
  }),
  listRecords: endpoint({
    id: "record.list",
    method: "GET",
    path: "/v1/zones/{zone}/records",
    summary: "List the records of a zone",
    access: ["authenticated"],
    params: ZoneParams,
    query: z.object({ name: HostName.optional() }),
    answer: z.object({ records: z.array(StoredRecord) }),
    errors: ["not-found"],
  }),
  createRecord: endpoint({
    id: "record.create",
    method: "POST",
    path: "/v1/zones/{zone}/records",
    summary: "Create a static record",
    access: ["admin"],
    params: ZoneParams,
    body: ZoneRecord,
    answer: StoredRecord,
    status: 201,
    errors: ["not-found", "conflict"],
  }),
  deleteRecord: endpoint({
    id: "record.delete",
    method: "DELETE",
    path: "/v1/zones/{zone}/records/{id}",
    summary: "Delete a static record",
    access: ["admin"],
    params: RecordParams,
    errors: ["not-found", "conflict"],
  }),
  putDerived: endpoint({
    id: "record.derive",
    method: "PUT",
    path: "/v1/zones/{zone}/derived/{owner}",
    summary: "Replace all records that an owner derives",
    access: ["system"],
    audited: false,
    params: z.object({ zone: HostName, owner: AccountName }),
    body: z.object({ records: z.array(ZoneRecord).max(20_000) }),
    answer: z.object({ changed: z.boolean(), serial: z.int() }),
    maxBodyBytes: 8 * 1024 * 1024,
    errors: ["not-found", "conflict"],
  }),
  zoneFeed: endpoint({
    id: "feed.zones",
    method: "GET",
    path: "/v1/feed/zones",
    summary: "Follow the zones",
    access: ["node", "system", "admin"],
    query: z.object({ since: z.coerce.number().int().min(0).default(0) }),
    answerKind: "raw",
  }),
  zoneStream: endpoint({
    id: "feed.zones.stream",
    method: "GET",
    path: "/v1/feed/zones/stream",
    summary: "Follow the zones on one connection",
    access: ["node", "system", "admin"],
    query: z.object({ since: z.coerce.number().int().min(0).default(0) }),
    answerKind: "raw",
  }),
  listAudit: endpoint({
    id: "audit.list",
    method: "GET",
    path: "/v1/audit/mcns",
    summary: "List what happened in MCNS, newest first",
    access: ["admin"],
    query: AuditQuery,
    answer: AuditPage,
  }),
} as const;
