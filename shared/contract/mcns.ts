import { z } from "zod";
import { auditEndpoint } from "./audit.ts";
import { Empty, endpoint } from "./endpoint.ts";
import { feedEndpoints, FeedQuery } from "./feed-endpoints.ts";
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

const feeds = feedEndpoints({
  name: "zones",
  topic: "zones",
  what: "the zones",
  access: ["node", "system", "admin"],
  params: Empty,
  query: FeedQuery,
});

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
  zoneFeed: feeds.poll,
  zoneStream: feeds.stream,
  listAudit: auditEndpoint("mcns"),
} as const;
